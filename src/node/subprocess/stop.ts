import { TimeoutError } from '../../errors/index.ts';
import { libraryCoroutine } from '../../kernel/lowlevel.ts';
import type { SignalLike } from '../../streams/index.ts';
import { sleep } from '../../tasks/sleep.ts';
import { waitFor } from '../../tasks/wait-for.ts';
import { reaped } from './lowlevel.ts';
import type { ChildTransport } from './transport.ts';

/**
 * The first and the longest interval between checks whether a group is empty, in seconds. There is no event for the end of the last
 * process, and each check costs time.
 */
const FIRST_PAUSE = 0.005;
const LONGEST_PAUSE = 0.1;

/**
 * Ends a process: sends a signal, and kills it when it takes too long. When this is cancelled, the process is killed at once, and its
 * end is still waited for, so that no process is left behind.
 *
 * @param object the object of the wait, for the wait records
 * @param signal the first signal
 * @param grace how long it may take, in seconds; 0 kills at once
 */
export function* stopped(
  transport: ChildTransport,
  object: object,
  signal: SignalLike,
  grace: number,
): Generator<unknown, void, unknown> {
  try {
    if (grace > 0 && transport.hasSurvivors()) {
      transport.sendSignal(signal);
      yield* waitFor(gone(transport, object), grace);
    }
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  } finally {
    if (transport.hasSurvivors()) transport.kill();
    yield* reaped(transport, object);
    transport.close();
  }
}

/** Waits until no process is left that a signal would reach. */
const gone = /* @__PURE__ */ libraryCoroutine(function* gone(
  transport: ChildTransport,
  object: object,
): Generator<unknown, void, unknown> {
  yield* transport.exited(object);
  for (let pause = FIRST_PAUSE; transport.groupRuns(); pause = Math.min(2 * pause, LONGEST_PAUSE)) yield* sleep(pause);
});
