import { typeError } from '../errors/type-error.ts';
import { type Task, wait } from '../index.ts';
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

/** How long what was cancelled may clean up, in seconds. */
const CLEAN_UP = 5;

const drained: WeakMap<object, Promise<DrainReport>> = /* @__PURE__ */ new WeakMap();

/**
 * Ends a server in order: no new connections and requests, a wait for the requests under way, and a cancellation of those that take longer.
 * A second call for the same server waits for the first one.
 *
 * The requests are those of all task handlers and listeners of this thread. While they are waited for, new ones are answered with status 503.
 *
 * **Cancellation**: the server stays closed; requests under way are left alone.
 *
 * @param server of `node:http`, `Bun.serve` or `Deno.serve`; `null` where there is none to close
 * @param seconds how long requests may still take, in seconds or named units
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
  }
  return running;
}

async function drainNow(server: ServerLike | null, seconds: number): Promise<DrainReport> {
  const takeAgain = stopTaking();
  try {
    const closed = server === null ? null : closing(server);
    server?.closeIdleConnections?.();
    const before = requestsUnderWay();
    if (before.length > 0) await wait(tasksOf(before), { timeout: seconds });
    const late = before.filter(({ task }) => !task.done());
    const cut = late.map(told);
    for (const { name, task } of late)
      task.cancel(`the server is shutting down, and ${name} took longer than ${seconds} s`);
    if (late.length > 0) await wait(tasksOf(late), { timeout: CLEAN_UP });
    const stuck = late.filter(({ task }) => !task.done()).map(told);
    server?.closeAllConnections?.();
    await closed;
    return { finished: before.length - late.length, cut, stuck };
  } finally {
    takeAgain();
  }
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
