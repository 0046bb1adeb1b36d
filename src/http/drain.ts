import { typeError } from '../errors/type-error.ts';
import { getEventLoop, type Task, wait, wrapPromise } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { type RequestTask, requestsUnderWay, stopTaking } from './request-tasks.ts';

/** A server of `node:http`, `Bun.serve` or `Deno.serve`, as far as this library uses it. */
export interface ServerLike {
  close?(whenClosed?: (error?: Error) => void): unknown;
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
  stop?(closeActive?: boolean): unknown;
  shutdown?(): unknown;
}

/** How a server was drained. */
export interface DrainReport {
  /** How many requests have ended by themselves. */
  readonly finished: number;
  /** The requests that were cancelled, with how long they had run: `GET /report (12.3 s)`. */
  readonly cut: readonly string[];
  /** Of those, what has not ended after that either. */
  readonly stuck: readonly string[];
}

/** The part of the time that is left for the clean-up of what is cancelled, the most that it gets, and the least, in seconds. */
const CLEAN_UP_PART = 1 / 5;
const MOST_CLEAN_UP = 5;
const LEAST_CLEAN_UP = 0.05;

const drained: WeakMap<object, Promise<DrainReport>> = /* @__PURE__ */ new WeakMap();

/**
 * Ends a server in order: no new connections and requests, a wait for the requests under way, and a cancellation of those that take longer.
 * All of this takes `seconds` at most. The last fifth of it, five seconds at most, is for the clean-up of what was cancelled; a request that does not
 * react by the half of that has its connection cut off, because it may read a body whose rest never comes.
 * Connections that are still open after that are cut off (in `Deno.serve` they cannot be, and are left to the end of the process).
 * A second call for the same server waits for the first one.
 *
 * The requests are those of all task handlers and listeners of this thread. While they are waited for, new ones are answered with status 503.
 *
 * **Cancellation**: the server stays closed; requests under way are left alone.
 *
 * @param server of `node:http`, `Bun.serve` or `Deno.serve`; `null` where there is none to close
 * @param seconds how long it may take in all, in seconds or named units
 * @returns what was cut
 * @throws {TypeError} when the server has no way to be closed
 * @example
 * const { createServer } = await import('node:http');
 * const server = createServer(taskListener(async (_request, response) => response.end('hello')));
 * console.log(await drain(server, 10)); // { finished: 0, cut: [], stuck: [] }
 */
export function drain(server: ServerLike | null, seconds: Duration): Promise<DrainReport> {
  const limit = inSeconds(seconds, 'drain: seconds');
  if (server === null) return drainNow(null, limit);
  const closes = ['close', 'stop', 'shutdown'].some(
    (name) => typeof (server as Record<string, unknown>)?.[name] === 'function',
  );
  if (!closes) {
    throw typeError(`drain: a server of node:http, Bun.serve or Deno.serve is required, got ${describe(server)}`);
  }
  let running = drained.get(server);
  if (running === undefined) {
    running = drainNow(server, limit);
    drained.set(server, running);
    running.catch(() => drained.delete(server)); // it was cancelled: the next call drains again
  }
  return running;
}

async function drainNow(server: ServerLike | null, seconds: number): Promise<DrainReport> {
  const takeAgain = stopTaking();
  try {
    const loop = getEventLoop();
    const cleanUp = Math.min(MOST_CLEAN_UP, seconds * CLEAN_UP_PART);
    const end = loop.time() + seconds;
    const time = seconds - cleanUp;
    const left = (): number => Math.max(0, end - cleanUp - loop.time());
    const before = requestsUnderWay();
    if (server?.closeIdleConnections !== undefined) {
      // For node:http a connection is idle once its response has ended, although it is still being sent; close() would cut it off.
      const sending = (): RequestTask[] => requestsUnderWay().filter(({ isSending }) => isSending);
      for (let some = sending(); some.length > 0 && left() > 0; some = sending()) {
        await wait(tasksOf(some), { timeout: left() });
      }
    }
    const unfinished = (requests: readonly RequestTask[]): RequestTask[] => requests.filter(({ task }) => !task.done());
    // What is cut off when the server closes has not finished by itself.
    let late = left() > 0 ? [] : unfinished(before);
    const closed = server === null ? null : closing(server);
    server?.closeIdleConnections?.();
    const rest = unfinished(before);
    if (left() > 0 && rest.length > 0) {
      await wait(tasksOf(rest), { timeout: left() });
      late = unfinished(before);
    }
    const cut = late.map(told);
    for (const { name, task } of late)
      task.cancel(`the server is shutting down, and ${name} took longer than ${Number(time.toFixed(3))} s`);
    const half = (): number => Math.max(LEAST_CLEAN_UP, (end - loop.time()) / 2);
    if (late.length > 0) await wait(tasksOf(late), { timeout: half() });
    const deaf = unfinished(late);
    for (const request of deaf) request.abandon();
    if (deaf.length > 0) await wait(tasksOf(deaf), { timeout: half() });
    const stuck = unfinished(late).map(told);
    if (closed !== null) await closeConnections(server!, closed, end);
    return { finished: before.length - late.length, cut, stuck };
  } finally {
    takeAgain();
  }
}

/** Waits until all connections are closed; those that clients hold open are cut off, where the server has a way to do that. */
async function closeConnections(server: ServerLike, closed: Promise<unknown>, end: number): Promise<void> {
  const left = (): number => Math.max(LEAST_CLEAN_UP, end - getEventLoop().time());
  server.closeAllConnections?.();
  // Bun and Deno still send responses whose handlers have returned.
  const isClosed = await settles(closed, left());
  if (!isClosed && typeof server.stop === 'function') await settles(Promise.resolve(server.stop(true)), left());
}

/** Waits for a promise, so long at most. Throws its error. */
async function settles(promise: Promise<unknown>, seconds: number): Promise<boolean> {
  const over = wrapPromise(promise);
  await wait([over], { timeout: seconds });
  if (over.done()) over.result();
  else over.cancel();
  return over.done() && !over.cancelled();
}

function tasksOf(requests: readonly RequestTask[]): Task<void>[] {
  return requests.map(({ task }) => task);
}

function told({ name, began, task }: RequestTask): string {
  return `${name} (${(task.getLoop().time() - began).toFixed(1)} s)`;
}

/** Stops taking connections. The promise settles when all are closed. */
function closing(server: ServerLike): Promise<unknown> {
  if (typeof server.close === 'function') {
    return new Promise<void>((resolve) => {
      server.close!(() => resolve()); // an error says that it was closed before
    });
  }
  return Promise.resolve(typeof server.shutdown === 'function' ? server.shutdown() : server.stop!(false));
}
