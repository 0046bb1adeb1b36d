import { type Coroutine, getRunningLoop, Lock, sleep } from 'asyncio-ts';

/** Lets through `rate` units per second, and up to `burst` at once after a pause. First come, first served. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  readonly #turn = new Lock();
  #tokens: number;
  /** When the tokens were counted, on the loop's clock; `null` before the first time. */
  #at: number | null = null;

  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Waits until `units` may go on. A cancelled wait takes nothing, and lets the next one through. */
  async take(units = 1): Promise<void> {
    this.#check(units);
    using _ = await this.#turn.acquire();
    for (let lack = this.#lack(units); lack > 0; lack = this.#lack(units)) await sleep(lack / this.#rate);
    this.#tokens -= units;
  }

  *takeAsGenerator(units = 1): Coroutine<void> {
    this.#check(units);
    using _ = yield* this.#turn.acquire();
    for (let lack = this.#lack(units); lack > 0; lack = this.#lack(units)) yield* sleep(lack / this.#rate);
    this.#tokens -= units;
  }

  /** How many tokens are missing now. */
  #lack(units: number): number {
    const now = getRunningLoop().time();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - (this.#at ?? now)) * this.#rate);
    this.#at = now;
    const lack = units - this.#tokens;
    return lack > 1e-9 ? lack : 0; // sums of fractions are not exact
  }

  #check(units: number): void {
    if (!(units > 0 && units <= this.#burst)) {
      throw new RangeError(`take(${units}): this bucket lets 1 to ${this.#burst} units through at once`);
    }
  }
}
