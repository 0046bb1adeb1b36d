import { rethrowIfCancelled, sleep } from 'asyncio-ts';

/**
 * Asks again and again until the answer is the last one. The pause doubles while nothing changes and while asking fails, and is short again
 * after news.
 *
 * @param ask fails for now, or gives an answer and whether it is the last one
 * @param first the shortest pause, in seconds
 * @param longest the longest pause, in seconds
 */
export async function poll<T extends { readonly isLast: boolean }>(
  ask: () => Promise<T>,
  onAnswer: (answer: T | null, pause: number) => void,
  { first = 0.25, longest = 8 } = {},
): Promise<T> {
  let before = '';
  for (let pause = first; ; ) {
    let answer: T | null = null;
    try {
      answer = await ask();
    } catch (error) {
      rethrowIfCancelled(error);
    }
    if (answer?.isLast) return answer;
    const now = JSON.stringify(answer);
    pause = answer === null || now === before ? Math.min(pause * 2, longest) : first;
    before = now;
    onAnswer(answer, pause);
    await sleep(pause);
  }
}
