import type { EventLoop } from './event-loop.ts';
import { reportOf } from './registry.ts';
import { logger, onProcessExit } from './runtime/platform.ts';

/** How what tasks wait for is told. `asyncio-ts/inspect` tells it as a tree, and needs more code for that than every program should carry. */
export const pending: { tell: (loop: EventLoop) => string } = { tell: listOf };

const MOST_SHOWN = 20;

function listOf(loop: EventLoop): string {
  return [...loop._tasks()]
    .reverse()
    .slice(0, MOST_SHOWN)
    .map(reportOf)
    .map(({ name, coroutine, waitsFor }) => `  ${name} (${coroutine}) waits for ${waitsFor ?? 'a foreign promise'}`)
    .join('\n');
}

/** Tells of a run that cannot end, because nothing is left in the process that could wake its tasks. */
export function tellStuck(loop: EventLoop): void {
  tell(loop, 'run() cannot end');
}

/** Tells of the main thread's own loop when the process ends because the program awaits, at its top level, what nothing can end. */
export function tellAtExit(loop: EventLoop): void {
  onProcessExit((code) => {
    if (code === UNSETTLED_AWAIT && loop.reportPending) tell(loop, 'Exit code 13');
  });
}

function tell(loop: EventLoop, title: string): void {
  const text = pending.tell(loop);
  if (text !== '') logger.error(`${title}: nothing is left that could wake these tasks\n${text}`);
}

/** The exit code of Node for a module whose top-level `await` is never settled. */
const UNSETTLED_AWAIT = 13;
