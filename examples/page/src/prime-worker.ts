/** Counts the primes from one number to another, both included. */
function countPrimes(from: number, to: number): number {
  let count = 0;
  for (let candidate = Math.max(2, from); candidate <= to; candidate++) {
    let isPrime = true;
    for (let divisor = 2; isPrime && divisor * divisor <= candidate; divisor++) isPrime = candidate % divisor !== 0;
    if (isPrime) count++;
  }
  return count;
}

self.addEventListener('message', ({ data }: MessageEvent<readonly [from: number, to: number]>) => {
  self.postMessage(countPrimes(...data));
});
