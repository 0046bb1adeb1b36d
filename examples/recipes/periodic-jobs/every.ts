import {
  type Coroutine,
  type CoroutineFunction,
  coroutine,
  getRunningLoop,
  rethrowIfCancelled,
  sleep,
} from 'asyncio-ts';

/**
 * Calls `job` at `period`, `2 * period`, … seconds from now, until it is cancelled. Times are counted from the start, so that they do not
 * drift. When a call takes longer than a period, the times that pass meanwhile are left out.
 *
 * @param onError what to do with an error of the job; without it the error ends the series
 */
export async function every(
  period: number,
  job: () => PromiseLike<unknown>,
  onError?: (error: unknown) => void,
): Promise<never> {
  const loop = getRunningLoop();
  const start = loop.time();
  for (let tick = 1; ; tick = nextTick(tick, period, loop.time() - start)) {
    await sleep(Math.max(0, start + tick * period - loop.time()));
    try {
      await job();
    } catch (error) {
      rethrowIfCancelled(error);
      if (onError === undefined) throw error;
      onError(error);
    }
  }
}

export function* everyAsGenerator(
  period: number,
  job: CoroutineFunction<unknown>,
  onError?: (error: unknown) => void,
): Coroutine<never> {
  const loop = getRunningLoop();
  const start = loop.time();
  for (let tick = 1; ; tick = nextTick(tick, period, loop.time() - start)) {
    yield* sleep(Math.max(0, start + tick * period - loop.time()));
    try {
      yield* coroutine(job)();
    } catch (error) {
      rethrowIfCancelled(error);
      if (onError === undefined) throw error;
      onError(error);
    }
  }
}

/** The first tick after this one whose time has not passed. */
function nextTick(tick: number, period: number, elapsed: number): number {
  return Math.max(tick + 1, Math.ceil(elapsed / period));
}
