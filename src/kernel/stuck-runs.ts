import type { EventLoop } from './event-loop.ts';
import { reportOf } from './registry.ts';
import { logger, onProcessExit } from './runtime/platform.ts';
import { titleOf } from './views.ts';

/**
 * Describes what the tasks of a loop wait for. `asyncio-ts/inspect` replaces `tell` by a function that draws a tree,
 * which is too much code to be loaded by every program.
 */
export const stuckReport: { tell: (loop: EventLoop) => string } = { tell: listOf };

const MOST_SHOWN = 20;

function listOf(loop: EventLoop): string {
  return (
    [...loop._tasks()]
      .reverse()
      .slice(0, MOST_SHOWN)
      // Control characters in a name must not reach the terminal. `safeText` would show which ones they were, but is
      // too much code to be loaded by every program.
      .map((task) =>
        `  ${titleOf(task)} waits for ${reportOf(task).waitsFor ?? 'a foreign promise'}`.replace(/\p{C}/gu, '�'),
      )
      .join('\n')
  );
}

/** Reports a run that cannot end, because nothing is left in the process that could wake its tasks. */
export function tellStuck(loop: EventLoop): void {
  tell(loop, `run() cannot end${NOTHING_LEFT}`);
}

/** Reports tasks that were cancelled at the end of a run and have not ended. */
export function tellLasting(loop: EventLoop): void {
  tell(loop, 'run() waits for cancelled tasks');
}

/**
 * Reports the tasks of the main thread's own loop when the process ends because of a top-level `await` that nothing can
 * settle.
 */
export function tellAtExit(loop: EventLoop): void {
  onProcessExit((code) => {
    if (code === UNSETTLED_AWAIT) tell(loop, `Exit code 13${NOTHING_LEFT}`);
  });
}

/** Reports once for each loop, unless `reportPending` is false. */
function tell(loop: EventLoop, title: string): void {
  const text = loop.reportPending && stuckReport.tell(loop);
  loop.reportPending = false;
  if (text) logger.error(`${title}\n${text}`);
}

const NOTHING_LEFT = ': nothing is left that could wake these tasks';

/** The exit code of Node for a module whose top-level `await` is never settled. */
const UNSETTLED_AWAIT = 13;
