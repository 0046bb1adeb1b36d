import { typeError } from '../errors/type-error.ts';
import { Future, TimeoutError } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type AbortSignalLike, type Coroutine, isAwaitable, newWebResponse, onAbort } from '../kernel/lowlevel.ts';
import { Admission } from './admission.ts';
import { dropBody, followBody, isStream } from './body.ts';
import { allowedSeconds } from './deadline.ts';
import type { IncomingLike, OutgoingLike } from './listener.ts';
import { NodeRequest } from './node-request.ts';
import { type RequestOptions, type Settings, settingsOf } from './options.ts';
import { isDraining, nameOf, RequestTask, reportSwallowed, resultOf } from './request-tasks.ts';

/** The part of a `Request` that this library uses. */
export interface RequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  readonly signal?: AbortSignalLike;
}

/** The part of a `Response` that this library uses. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/**
 * Makes each request to a handler of the shape `(Request) => Response` a task: for Hono (`app.fetch`), h3, Elysia, SvelteKit, `Bun.serve`
 * and `Deno.serve`. Wrap the whole handler, not a route of it.
 *
 * The task is named `GET /path` and has context variables of its own. A response that streams belongs to it until its body ends; in
 * `@hono/node-server`, which hands Node's response to the handler as well, every response until it was sent.
 *
 * | what happens | answer |
 * | --- | --- |
 * | the deadline passes before there is a response | 504, at once; the task is cancelled |
 * | the handler throws a `TimeoutError` | 504 |
 * | too many requests, or the server is drained | 503 with `Retry-After` |
 * | the client leaves | the task is cancelled; nobody sees the answer (499) |
 * | the handler throws anything else | as without this: the promise rejects |
 * | the handler throws after its deadline | 504; the error is reported to the loop's exception handler |
 *
 * **Cancellation**: the handler gets a `CancelledError` where it awaits something of this library; `currentSignal()` is aborted for everything
 * else. What it returns afterwards is dropped.
 *
 * @param handler an async function, a function that returns a response, or a generator function
 * @throws {TypeError} when the handler is no function, or an option is of the wrong type
 * @throws {ValueError} when an option has a value that cannot be used, such as a limit of 0
 * @example
 * const handler = taskHandler(async ({ url }) => new Response(`hello from ${url}`), { deadline: 30 });
 * const response = await handler({ method: 'GET', url: '/ada', headers: new Headers() });
 * console.log(await response.text()); // hello from /ada
 */
export function taskHandler<Q extends RequestLike, R extends ResponseLike, Rest extends unknown[]>(
  handler: (request: Q, ...rest: Rest) => R | PromiseLike<R> | Coroutine<R>,
  options: RequestOptions = {},
): (request: Q, ...rest: Rest) => Promise<R> {
  if (typeof handler !== 'function') {
    throw typeError(`taskHandler: a function (request) => response is required, got ${describe(handler)}`);
  }
  const settings = settingsOf('taskHandler', options);
  const admission = new Admission(settings.limit, settings.queue);
  const refusal = (why: string): R =>
    plain<R>(503, why, { 'retry-after': String(settings.retryAfter), connection: 'close' });
  return (request, ...rest) => {
    if (isDraining()) return Promise.resolve(refusal('the server is shutting down'));
    if (!admission.hasRoom) return Promise.resolve(refusal('too many requests'));
    const work = (): R | PromiseLike<R> | Coroutine<R> => handler(request, ...rest);
    const node = nodeSideOf(rest[0]);
    return new Promise<R>((resolve, reject) => {
      const answer: Answer<R> = { isGiven: false, isLate: false, resolve, reject };
      if (node === null) new FetchedRequest(work, request, settings, admission, answer);
      else new FetchedNodeRequest(work, request, node, settings, admission, answer);
    });
  };
}

/** What becomes of a request, once. */
interface Answer<R> {
  isGiven: boolean;
  /** Whether it was given by the deadline. */
  isLate: boolean;
  readonly resolve: (response: R) => void;
  readonly reject: (error: unknown) => void;
}

function give<R>(answer: Answer<R>, response: R): void {
  answer.isGiven = true;
  answer.resolve(response);
}

function fail<R>(answer: Answer<R>, error: unknown): void {
  if (error instanceof TimeoutError) give(answer, plain<R>(504, error.message));
  else answer.reject(error);
}

/** The request was answered without its handler, and here is the response of that. */
function dropLate(response: unknown, { name, loop }: RequestTask, { isLate }: Answer<never>): void {
  dropBody(response, `${name} was answered before this response came`);
  if (isLate && loop.getDebug()) reportSwallowed(name);
}

const cancelledResponse = <R>(): R => plain<R>(isDraining() ? 503 : 499, 'the request was cancelled');

function giveLate<R>(answer: Answer<R>): void {
  answer.isLate = true;
  give(answer, plain<R>(504, 'the deadline of the request has passed'));
}

/** Node's own objects behind a `Request`, where the server hands them to the handler, as `@hono/node-server` does. */
interface NodeSide {
  readonly incoming?: IncomingLike;
  readonly outgoing: OutgoingLike;
}

function nodeSideOf(given: unknown): NodeSide | null {
  const outgoing = (given as Partial<NodeSide> | null | undefined)?.outgoing;
  const isResponse = typeof outgoing?.on === 'function' && typeof outgoing.writableEnded === 'boolean';
  return isResponse ? (given as NodeSide) : null;
}

function secondsFor(request: RequestLike, { deadline, headers }: Settings): number | null {
  return headers.length === 0 ? deadline : allowedSeconds(deadline, headers, (header) => request.headers.get(header));
}

/** A request whose server tells by a signal that the client has left. */
class FetchedRequest<R extends ResponseLike> extends RequestTask {
  readonly #answer: Answer<R>;
  readonly #stopListening: (() => void) | null = null;

  constructor(
    handler: () => R | PromiseLike<R> | Coroutine<R>,
    request: RequestLike,
    settings: Settings,
    admission: Admission,
    answer: Answer<R>,
  ) {
    super(nameOf(request.method, request.url), secondsFor(request, settings), settings, admission);
    this.#answer = answer;
    this.start(async () => {
      if (this.turn !== null) await this.turn;
      const response = await resultOf(handler(), this.name);
      this.keptDeadline();
      if (answer.isGiven) {
        dropLate(response, this, answer);
      } else if (request.method !== 'HEAD' && isStream(response)) {
        const over = new Future<void>({ loop: this.loop });
        give(answer, followBody(response, this, over));
        await over;
      } else {
        give(answer, response);
      }
    });
    const { signal } = request;
    if (signal === undefined || signal === null) return;
    const leave = (): void => this.clientLeft();
    if (signal.aborted) leave();
    else this.#stopListening = onAbort(signal, leave);
  }

  protected late(): boolean {
    giveLate(this.#answer);
    return true;
  }

  protected cancelled(): void {
    give(this.#answer, cancelledResponse<R>());
  }

  override abandon(): void {
    if (!this.#answer.isGiven) give(this.#answer, cancelledResponse<R>());
  }

  protected failed(error: unknown): void {
    if (this.#answer.isGiven) this.reportFailure(error);
    else fail(this.#answer, error);
  }

  protected over(): void {
    this.#stopListening?.();
  }
}

/**
 * A request of Node's HTTP server. Node's response tells when the client has left, and when everything is sent. So neither the request's signal nor
 * the headers and the body of the response are looked at: servers make them when they are asked for, and that costs several times as much as
 * the rest.
 */
class FetchedNodeRequest<R extends ResponseLike> extends NodeRequest {
  protected readonly request: IncomingLike | null;
  protected readonly response: OutgoingLike;
  readonly #answer: Answer<R>;

  constructor(
    handler: () => R | PromiseLike<R> | Coroutine<R>,
    request: RequestLike,
    { incoming, outgoing }: NodeSide,
    settings: Settings,
    admission: Admission,
    answer: Answer<R>,
  ) {
    super(nameOf(request.method, request.url), secondsFor(request, settings), settings, admission);
    this.request = incoming ?? null;
    this.response = outgoing;
    this.#answer = answer;
    this.start(async () => {
      if (this.turn !== null) await this.turn;
      const given = handler();
      const response = isAwaitable(given) ? await resultOf(given, this.name) : given;
      this.keptDeadline();
      if (answer.isGiven) dropLate(response, this, answer);
      else give(answer, response as R);
      const closed = this.untilClosed();
      if (closed !== null) await closed;
    });
    this.followResponse();
  }

  protected late(): boolean {
    giveLate(this.#answer);
    return true;
  }

  protected cancelled(): void {
    if (!this.#answer.isGiven) give(this.#answer, cancelledResponse<R>());
    else if (!this.#answer.isLate) this.giveUp(); // its response was under way
  }

  /** The server has the response already, or is about to send it. */
  protected override giveUp(): void {
    if (!this.isClosed && !this.response.writableEnded) this.response.destroy();
  }

  override abandon(): void {
    if (!this.#answer.isGiven) give(this.#answer, cancelledResponse<R>());
    this.destroyRequest();
  }

  protected failed(error: unknown): void {
    if (this.#answer.isGiven) this.reportFailure(error);
    else fail(this.#answer, error);
  }

  protected over(): void {}
}

function plain<R>(status: number, text: string, headers: Readonly<Record<string, string>> = {}): R {
  // A status that is not for responses, such as 499, is only for logs.
  return newWebResponse(`${text}\n`, { status, headers: { 'content-type': 'text/plain', ...headers } }) as R;
}
