import { typeError } from '../errors/type-error.ts';
import { TimeoutError } from '../index.ts';
import { describe } from '../internal/describe.ts';
import type { Coroutine } from '../kernel/lowlevel.ts';
import { Admission } from './admission.ts';
import { allowedSeconds } from './deadline.ts';
import { listenToFastify, whenFastifyReturns } from './fastify.ts';
import { answer, NodeRequest } from './node-request.ts';
import { type RequestOptions, type Settings, settingsOf } from './options.ts';
import { isDraining, nameOf, reportSwallowed, resultOf } from './request-tasks.ts';
import type { SocketLike } from './socket-close.ts';

/** The part of Node's `IncomingMessage` that this library uses. */
export interface IncomingLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersionMajor?: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: SocketLike | null;
  destroy?(): unknown;
}

/** The part of Node's `ServerResponse` that this library uses. */
export interface OutgoingLike {
  statusCode: number;
  statusMessage?: string;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly socket?: unknown;
  setHeader(name: string, value: string): unknown;
  hasHeader(name: string): boolean;
  removeHeader(name: string): unknown;
  write(chunk: unknown): unknown;
  end(chunk?: unknown): unknown;
  destroy(): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * What `taskListener` returns: a listener with the parameters of the given one. Written so that the types of a listener inside
 * `http.createServer(taskListener((request, response) => …))` come from `createServer`.
 */
export type TaskListener<L> = L extends (...args: never) => Promise<void>
  ? L
  : L extends (...args: infer A) => unknown
    ? (...args: A) => Promise<void>
    : L;

/**
 * Makes each request to a listener of the shape `(request, response)` a task: for `node:http`, Express (`taskListener(app)`), Koa
 * (`app.callback()`) and Fastify (`serverFactory`).
 *
 * The task is named `GET /path`, has context variables of its own, and lasts until the response is closed. The options and the answers are
 * those of `taskHandler`; once the response has begun, its deadline is kept.
 *
 * **Cancellation**: when the client leaves before the response has ended, the listener gets a `CancelledError` where it awaits something of
 * this library, and `currentSignal()` is aborted for everything else. The status of a response that had not begun is 499 then, for access logs.
 *
 * Whatever the listener sends after the answer of its deadline is dropped.
 *
 * @param listener gets the request and the response; it may return nothing, a promise, or a generator coroutine. Outside `createServer(…)` say
 * what they are: `taskListener<http.RequestListener>((request, response) => …)`
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
export function taskListener<L>(
  listener: L & ((request: IncomingLike & never, response: OutgoingLike & never) => unknown),
  options?: RequestOptions,
): TaskListener<L>;
export function taskListener(
  listener: (request: IncomingLike, response: OutgoingLike) => unknown,
  options: RequestOptions = {},
): (request: IncomingLike, response: OutgoingLike) => Promise<void> {
  if (typeof listener !== 'function') {
    throw typeError(`taskListener: a function (request, response) => … is required, got ${describe(listener)}`);
  }
  const settings = settingsOf('taskListener', options);
  const admission = new Admission(settings.limit, settings.queue);
  return (request, response) => {
    if (isDraining()) return refuse(request, response, settings, 'the server is shutting down');
    if (!admission.hasRoom) return refuse(request, response, settings, 'too many requests');
    return new Promise<void>((resolve, reject) => {
      new ListenedRequest(listener, request, response, settings, admission, resolve, reject);
    });
  };
}

class ListenedRequest extends NodeRequest {
  protected readonly request: IncomingLike;
  protected readonly response: OutgoingLike;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #isLate = false;
  #isTold = false;

  constructor(
    listener: (request: IncomingLike, response: OutgoingLike) => unknown,
    request: IncomingLike,
    response: OutgoingLike,
    settings: Settings,
    admission: Admission,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    super(nameOf(request.method ?? 'GET', request.url ?? '/'), secondsFor(request, settings), settings, admission);
    this.request = request;
    this.response = response;
    this.#resolve = resolve;
    this.#reject = reject;
    if (this.due !== null && this.loop.getDebug()) listenToFastify();
    this.start(async () => {
      if (this.turn !== null) await this.turn;
      const given = listener(request, response);
      // Most listeners of frameworks return nothing.
      if (given !== undefined) await resultOf(given as PromiseLike<unknown> | Coroutine<unknown>, this.name);
      this.goesOn();
      const closed = this.untilClosed();
      if (closed !== null) await closed;
    });
    this.followResponse();
  }

  /** When its deadline has passed, something has swallowed the cancellation. */
  protected override goesOn(): void {
    if (!this.#isLate || this.#isTold || !this.loop.getDebug()) return;
    this.#isTold = true;
    reportSwallowed(this.name);
  }

  protected late(): boolean {
    if (this.response.headersSent) return false;
    this.#isLate = true;
    this.answerInstead(504, 'the deadline of the request has passed');
    if (this.loop.getDebug()) whenFastifyReturns(this.response, () => this.goesOn());
    // The server has finished with the request, and would not tell whoever still reads its body that the client has left.
    this.whenSocketCloses(() => this.request.destroy?.());
    return true;
  }

  protected cancelled(): void {
    this.giveUp();
  }

  protected failed(error: unknown): void {
    if (error instanceof TimeoutError && !this.response.headersSent) this.answerInstead(504, error.message);
    else if (this.task.cancelling() === 0) this.#reject(error);
    else {
      this.reportFailure(error); // to reject would end the process
      this.giveUp();
    }
  }

  protected over(): void {
    this.#resolve();
  }
}

function secondsFor(request: IncomingLike, { deadline, headers }: Settings): number | null {
  if (headers.length === 0) return deadline;
  return allowedSeconds(deadline, headers, (header) => {
    const value = request.headers[header];
    return typeof value === 'string' ? value : value?.[0];
  });
}

function refuse(request: IncomingLike, response: OutgoingLike, { retryAfter }: Settings, why: string): Promise<void> {
  response.setHeader('retry-after', String(retryAfter));
  // HTTP/2 has no such header.
  if ((request.httpVersionMajor ?? 1) < 2) response.setHeader('connection', 'close');
  answer(response, 503, why);
  return Promise.resolve();
}
