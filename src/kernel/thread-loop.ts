import { RuntimeError } from '../errors/errors.ts';
import { tellOfOtherCopy } from './engine/copies.ts';
import { runningLoop as engineLoop } from './engine/line.ts';
import type { EventLoop } from './event-loop.ts';

/** Makes or finds the loop of the thread; set by the module that can do this. */
export const thread: { loop: (() => EventLoop) | null } = { loop: null };

/** The loop whose callback or task is running, `null` when there is none. */
export function runningLoop(): EventLoop | null {
  return engineLoop() as EventLoop | null;
}

/**
 * The loop whose callback or task is running.
 *
 * Follows CPython's `asyncio.get_running_loop`.
 *
 * @throws {RuntimeError} when no loop runs the caller
 * @example
 * const began = getRunningLoop().time(); // in seconds
 * await download(url);
 * console.log(`it took ${getRunningLoop().time() - began} s`);
 */
export function getRunningLoop(): EventLoop {
  const loop = runningLoop();
  if (loop !== null) return loop;
  const hint = tellOfOtherCopy((copy) => copy.isRunning());
  throw new RuntimeError(
    `no running event loop${hint === '' ? ': call this from a coroutine or callback that a loop runs, as in run(main)' : hint}`,
    { code: 'NO_RUNNING_LOOP' },
  );
}

/** The loop that runs the caller, otherwise the thread's. */
export function implicitLoop(): EventLoop {
  const loop = runningLoop();
  if (loop !== null) return loop;
  if (thread.loop === null)
    throw new RuntimeError('There is no current event loop: give { loop }', { code: 'NO_LOOP' });
  return thread.loop();
}
