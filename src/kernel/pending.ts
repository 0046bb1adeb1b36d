import type { EventLoop } from './event-loop.ts';
import { reportOf } from './registry.ts';
import { idleTimers } from './runtime/host.ts';
import { activeResources, hasSignalListeners, isMainThread, logger, onProcessExit } from './runtime/platform.ts';

/** How what tasks wait for is told. `asyncio-ts/inspect` tells it as a tree, and needs more code for that than every program should carry. */
export const pending: { tell: (loop: EventLoop) => string } = { tell: listOf };

const MOST_SHOWN = 20;

function listOf(loop: EventLoop): string {
  const tasks = [...loop._tasks()].reverse().map(reportOf);
  return tasks
    .slice(0, MOST_SHOWN)
    .map(({ name, coroutine, waitsFor }) => `  ${name} (${coroutine}) waits for ${waitsFor ?? 'a foreign promise'}`)
    .join('\n');
}

/**
 * Tells, once, of a run that cannot end: nothing is ready and no timer is set, and besides the timers of the loops themselves the runtime
 * has nothing left that could call the program. Where the runtime does not say what it has, where somebody listens to signals, and in
 * worker threads, whose ports do not count while a loop runs (`exposeLoop`), nobody knows.
 *
 * @returns whether it was told
 */
export function tellIfStuck(loop: EventLoop): boolean {
  const resources = activeResources();
  if (resources === null || resources.length > idleTimers.count || hasSignalListeners() || !isMainThread())
    return false;
  return resources.every((kind) => kind === 'Timeout') && tell(loop, 'run() cannot end');
}

/** Tells of the main thread's own loop when the process ends because the program awaits, at its top level, what nothing can end. */
export function tellAtExit(loop: EventLoop): void {
  onProcessExit((code) => {
    if (code === UNSETTLED_AWAIT && loop.reportPending) tell(loop, 'Exit code 13');
  });
}

function tell(loop: EventLoop, title: string): boolean {
  const text = pending.tell(loop);
  if (text !== '') logger.error(`${title}: nothing is left that could wake these tasks\n${text}`);
  return text !== '';
}

/** The exit code of Node for a module whose top-level `await` is never settled. */
const UNSETTLED_AWAIT = 13;
