import type { EventLoop } from './event-loop.ts';
import { reportOf } from './registry.ts';
import { logger, onProcessExit } from './runtime/platform.ts';
import { titleOf } from './views.ts';

/** How what tasks wait for is told. `asyncio-ts/inspect` tells it as a tree, and needs more code for that than every program should carry. */
export const pending: { tell: (loop: EventLoop) => string } = { tell: listOf };

const MOST_SHOWN = 20;

function listOf(loop: EventLoop): string {
  return [...loop._tasks()]
    .reverse()
    .slice(0, MOST_SHOWN)
    .map((task) => `  ${titleOf(task)} waits for ${reportOf(task).waitsFor ?? 'a foreign promise'}`)
    .join('\n');
}

/** Tells of a run that cannot end, because nothing is left in the process that could wake its tasks. */
export function tellStuck(loop: EventLoop): void {
  tell(loop, `run() cannot end${NOTHING_LEFT}`);
}

/** Tells of tasks that were cancelled at the end of a run and do not end: they go on, or clean up for long. */
export function tellLasting(loop: EventLoop): void {
  tell(loop, 'run() waits for cancelled tasks');
}

/** Tells of the main thread's own loop when the process ends because the program awaits, at its top level, what nothing can end. */
export function tellAtExit(loop: EventLoop): void {
  onProcessExit((code) => {
    if (code === UNSETTLED_AWAIT) tell(loop, `Exit code 13${NOTHING_LEFT}`);
  });
}

/** Once for each loop is enough. */
function tell(loop: EventLoop, title: string): void {
  const text = loop.reportPending && pending.tell(loop);
  loop.reportPending = false;
  if (text) logger.error(`${title}\n${text}`);
}

const NOTHING_LEFT = ': nothing is left that could wake these tasks';

/** The exit code of Node for a module whose top-level `await` is never settled. */
const UNSETTLED_AWAIT = 13;
