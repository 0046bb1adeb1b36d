import type { Socket } from 'node:net';
import { CancelledError, ExceptionGroup } from '../../errors/index.ts';
import { OSError } from '../../errors/os-error.ts';
import { type AwaitableCoroutine, type EventLoop, libraryCoroutine, type Task } from '../../kernel/lowlevel.ts';
import { endOf } from '../../tasks/end-of.ts';
import { FIRST_COMPLETED, wait } from '../../tasks/index.ts';
import { connectTo, type Endpoint } from './connect-socket.ts';

/** The operation of all attempts. */
interface Closable {
  destroy(): void;
}

/** How several addresses of a host are tried. */
export interface RaceOptions<E, S> {
  /** Begins to connect to one. */
  readonly attempt: (loop: EventLoop, endpoint: E) => AwaitableCoroutine<S>;
  /** Seconds until the next attempt starts while earlier ones still run; `null` tries one after the other. */
  readonly delay: number | null;
  /** Whether all errors are thrown, instead of one that summarises them. */
  readonly allErrors: boolean;
}

/**
 * Orders addresses so that IPv4 and IPv6 alternate (RFC 8305).
 *
 * @param firstCount how many addresses of the first version come before the first one of the other
 */
export function interleaved<A extends { readonly family: number }>(addresses: readonly A[], firstCount: number): A[] {
  const [first, ...rest] = [...Map.groupBy(addresses, (address) => address.family).values()];
  if (first === undefined) return [];
  const lists = [first.slice(Math.max(0, firstCount - 1)), ...rest];
  const ordered = first.slice(0, Math.max(0, firstCount - 1));
  for (let round = 0; lists.some((list) => round < list.length); round++) {
    for (const list of lists) if (round < list.length) ordered.push(list[round] as A);
  }
  return ordered;
}

/** Connects to an address, in a task of its own. */
export const attempt = /* @__PURE__ */ libraryCoroutine(function* connect(
  loop: EventLoop,
  endpoint: Endpoint,
): Generator<unknown, Socket, unknown> {
  return yield* connectTo(loop, endpoint);
});

/**
 * The first socket that could be connected, of attempts that begin one after the other: after a delay, or when the one before has
 * failed (RFC 8305). The other attempts are ended.
 */
export function* firstToConnect<E, S extends Closable>(
  loop: EventLoop,
  endpoints: readonly E[],
  { attempt, delay, allErrors }: RaceOptions<E, S>,
): Generator<unknown, S, unknown> {
  const running = new Set<Task<S>>();
  const errors: unknown[] = [];
  let winner: S | null = null;
  try {
    for (let next = 0; winner === null; ) {
      const endpoint = endpoints[next];
      if (endpoint !== undefined) {
        running.add(loop.createTask(attempt(loop, endpoint)));
        next++;
      } else if (running.size === 0) throw whyNone(errors, allErrors);
      const timeout = next < endpoints.length ? delay : null;
      const { done } = yield* wait(running, { timeout, returnWhen: FIRST_COMPLETED });
      for (const task of done) winner = keep(task, running, winner, errors);
    }
    yield* giveUp(running);
    return winner;
  } catch (error) {
    winner?.destroy();
    yield* giveUp(running);
    throw error;
  }
}

/** Takes the outcome of an attempt. When two succeed at the same time, the second socket is closed. */
function keep<S extends Closable>(task: Task<S>, running: Set<Task<S>>, winner: S | null, errors: unknown[]): S | null {
  running.delete(task);
  const error = task.cancelled() ? new CancelledError() : task.exception();
  if (error !== null) errors.push(error);
  else if (winner === null) return task.result();
  else task.result().destroy();
  return winner;
}

function* giveUp(running: ReadonlySet<Task<Closable>>): Generator<unknown, void, unknown> {
  try {
    yield* endOf(running);
  } finally {
    for (const task of running) {
      if (!task.cancelled() && task.exception() === null) task.result().destroy();
    }
  }
}

function whyNone(errors: readonly unknown[], allErrors: boolean): unknown {
  if (allErrors) return new ExceptionGroup('createConnection failed', errors);
  const messages = new Set(errors.map((error) => (error instanceof Error ? error.message : String(error))));
  if (messages.size === 1) return errors[0];
  const message = `Multiple exceptions: ${[...messages].join(', ')}`;
  const cause = new AggregateError(errors);
  const [first] = errors;
  const agree = errors.every((error) => error instanceof OSError && error.code === (first as OSError).code);
  if (!agree || !(first instanceof OSError)) return new OSError(message, { cause });
  // When all addresses refuse, the error is `ConnectionRefusedError`.
  const { constructor: Class, code } = first as OSError & { readonly constructor: typeof OSError };
  return new Class(message, { code, cause });
}
