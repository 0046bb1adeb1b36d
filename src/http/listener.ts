import { typeError } from '../errors/type-error.ts';
import { Future, TimeoutError } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Coroutine, release } from '../kernel/lowlevel.ts';
import { Admission } from './admission.ts';
import { allowedSeconds } from './deadline.ts';
import { type RequestOptions, settingsOf } from './options.ts';
import { isDraining, nameOf, reportSwallowed, resultOf, serve } from './request-tasks.ts';
import { onSocketClose, type SocketLike } from './socket-close.ts';

/** The part of Node's `IncomingMessage` that this library uses. */
export interface IncomingLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersionMajor?: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: SocketLike | null;
  destroy?(): unknown;
}

/**
 * The part of Node's `ServerResponse` that this library and most listeners use. Where a listener uses more of it, its parameters have to say so:
 * `(request: http.IncomingMessage, response: http.ServerResponse) => …`.
 */
export interface OutgoingLike {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly socket?: unknown;
  setHeader(name: string, value: string): unknown;
  write(chunk: unknown): unknown;
  end(chunk?: unknown): unknown;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Makes each request to a listener of the shape `(request, response)` a task: for `node:http`, Express (`taskListener(app)`), Koa
 * (`app.callback()`) and Fastify (`serverFactory`).
 *
 * The task is named `GET /path`, has context variables of its own, and lasts until the response is closed. The options and the answers are
 * those of `taskHandler`; once the response has begun, its deadline is kept.
 *
 * **Cancellation**: when the client leaves before the response has ended, the listener gets a `CancelledError` where it awaits something of
 * this library, and `currentSignal()` is aborted for everything else.
 *
 * @param listener gets the request and the response; it may return nothing, a promise, or a generator coroutine
 * @returns a listener for `http.createServer(…)`. Its promise rejects when the given one throws or rejects, except for a `TimeoutError`, for
 * which the answer is 504
 * @throws {TypeError} when the listener is no function, or an option is of the wrong type
 * @throws {ValueError} when an option has a value that cannot be used, such as a limit of 0
 * @example
 * const { createServer } = await import('node:http');
 * const server = createServer(taskListener(async (request, response) => {
 *   await sleep(0.01);
 *   response.end('hello');
 * }, { deadline: 30, limit: 200, queue: 500 }));
 */
export function taskListener<Q extends IncomingLike, S extends OutgoingLike>(
  listener: (request: Q, response: S) => unknown,
  options: RequestOptions = {},
): (request: Q, response: S) => Promise<void> {
  if (typeof listener !== 'function') {
    throw typeError(`taskListener: a function (request, response) => … is required, got ${describe(listener)}`);
  }
  const settings = settingsOf('taskListener', options);
  const admission = new Admission(settings.limit, settings.queue);
  const refuse = (request: Q, response: S, why: string): Promise<void> => {
    response.setHeader('retry-after', String(settings.retryAfter));
    // HTTP/2 has no such header.
    if ((request.httpVersionMajor ?? 1) < 2) response.setHeader('connection', 'close');
    answer(response, 503, why);
    return Promise.resolve();
  };
  return (request, response) => {
    if (isDraining()) return refuse(request, response, 'the server is shutting down');
    if (!admission.hasRoom) return refuse(request, response, 'too many requests');
    const name = nameOf(request.method ?? 'GET', request.url ?? '/');
    const seconds = allowedSeconds(settings.deadline, settings.headers, (header) => {
      const value = request.headers[header];
      return typeof value === 'string' ? value : value?.[0];
    });
    return new Promise<void>((resolve, reject) => {
      let closed: Future<void> | null = null;
      let isClosed = false;
      let isLate = false;
      const giveUp = (): void => {
        // The client has left, was answered, or the server is drained.
        if (isClosed || response.writableEnded) return;
        if (response.headersSent) response.destroy();
        else answer(response, 503, 'the request was cancelled');
      };
      const served = serve(name, seconds, settings, admission, {
        async run(its) {
          await resultOf(listener(request, response) as PromiseLike<unknown> | Coroutine<unknown>, name);
          if (isLate && its.task.getLoop().getDebug()) reportSwallowed(name);
          if (isClosed) return;
          closed = new Future<void>({ loop: its.task.getLoop() });
          await closed;
        },
        late() {
          if (response.headersSent) return false;
          isLate = true;
          answer(response, 504, 'the deadline of the request has passed');
          // The server has finished with the request, and would not tell whoever still reads its body that the client has left.
          whenSocketCloses(() => request.destroy?.());
          return true;
        },
        cancelled: giveUp,
        failed(error) {
          if (error instanceof TimeoutError && !response.headersSent) answer(response, 504, error.message);
          else if (served.task.cancelling() === 0) reject(error);
          else {
            // Most often a consequence of the cancellation, such as an answer after the 504. To reject would end the process.
            served.task.getLoop().callExceptionHandler({
              message: `${name} failed after it was cancelled`,
              exception: error,
              task: served.task,
            });
            giveUp();
          }
        },
        over: resolve,
        isSending: () => response.writableEnded && !isClosed,
      });
      const whenSocketCloses = (callback: () => void): void => {
        const { socket } = request;
        if (socket === undefined || socket === null) return;
        const stop = onSocketClose(socket, callback);
        served.task.addDoneCallback(stop);
      };
      const close = (): void => {
        if (isClosed) return;
        isClosed = true;
        // Not the close of the request: that comes as soon as its body has been read.
        if (!response.writableEnded) served.task.cancel(`the client of ${name} has left`);
        else if (closed !== null) release(closed);
      };
      response.once('close', close);
      // A pipelined request whose turn to be answered has not come: its response has no socket yet, and Node 22 and Deno never close it.
      if (response.socket === null) whenSocketCloses(close);
    });
  };
}

function answer(response: OutgoingLike, status: number, text: string): void {
  if (response.headersSent) return;
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain');
  response.end(`${text}\n`);
}
