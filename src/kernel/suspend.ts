import { RuntimeError } from '../errors/errors.ts';
import { describe } from '../internal/describe.ts';
import { tellOfLoop } from './copies.ts';
import { current } from './current.ts';
import { emit, hooks } from './instruments.ts';
import { takePending } from './scope.ts';
import type { FutureLike, Strand } from './strand.ts';

/** The only functions that suspend a strand. What a frame yields decides which. */

/** The strand waits on what its frame yielded; `undefined` is `sleep(0)`, whatever is no future is a mistake. */
export function suspend(strand: Strand, yielded: unknown): void {
  if (yielded === undefined) strand._task._loop._schedule(strand);
  else if (isFutureLike(yielded)) waitOn(strand, yielded);
  else throwLater(strand, mistakenYield(strand, yielded));
}

function isFutureLike(value: unknown): value is FutureLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<FutureLike>)._asyncioFutureBlocking === 'boolean'
  );
}

/** The strand waits on a future, and is woken one iteration after it is done. */
export function waitOn(strand: Strand, future: FutureLike): void {
  const task = strand._task;
  const blocking = future._asyncioFutureBlocking;
  future._asyncioFutureBlocking = false;
  const loop = future.getLoop();
  if (loop !== task._loop) {
    throwLater(
      strand,
      new RuntimeError(
        `Task ${task} got Future ${future} attached to a different loop; ` +
          `wait for it on its own loop, or pass the result on with callSoonThreadsafe${tellOfLoop(loop)}`,
        { code: 'DIFFERENT_LOOP' },
      ),
    );
  } else if (!blocking) {
    throwLater(
      strand,
      new RuntimeError(`yield was used instead of yield from in task ${task} with ${future}: write \`yield* future\``, {
        code: 'YIELD_WITHOUT_STAR',
      }),
    );
  } else if (future === (task as unknown)) {
    throwLater(strand, new RuntimeError(`Task cannot await on itself: ${task}`, { code: 'AWAITS_ITSELF' }));
  } else {
    strand._waiting = future;
    if (future._isPlain?.() === true) (future as WithWaiters)._addWaiter(strand);
    else future.addDoneCallback(() => strand._run(), { context: strand._context });
    if (hooks.waitBegin !== null) emit('waitBegin', task, future);
    // A cancellation that came while the task ran is delivered where it really suspends.
    if (strand._must !== null && future.cancel(strand._must.message)) strand._must = null;
    if (task._mustCancel && future.cancel(task.cancelMessage)) task._mustCancel = false;
    else if (task._pendings > 0) {
      const request = takePending((current.loop !== null ? current.scope : strand._at) ?? task._root());
      if (request !== null && !future.cancel(request.message)) strand._must = request;
    }
  }
}

type WithWaiters = FutureLike & { _addWaiter(waiter: Strand): void };

/** The frame goes on in the next iteration with an error. */
function throwLater(strand: Strand, error: unknown): void {
  strand._error = error;
  strand._task._loop._schedule(strand);
}

function mistakenYield(strand: Strand, yielded: unknown): RuntimeError {
  const task = strand._task;
  const kind = typeof yielded === 'object' && yielded !== null ? yielded : {};
  if ('next' in kind && 'throw' in kind) {
    return new RuntimeError(
      `yield was used instead of yield from for generator in task ${task} with ${describe(yielded)}: write \`yield* f()\``,
      { code: 'YIELD_WITHOUT_STAR' },
    );
  }
  if ('then' in kind) {
    return new RuntimeError(
      `Task got bad yield: ${describe(yielded)} in ${task}; a generator coroutine waits for a promise with ` +
        '`yield* wrapPromise(promise)`',
      { code: 'BAD_YIELD' },
    );
  }
  return new RuntimeError(
    `Task got bad yield: ${describe(yielded)} in ${task}; a coroutine yields nothing but \`yield* awaitable\`, ` +
      'or a bare `yield` for sleep(0)',
    { code: 'BAD_YIELD' },
  );
}
