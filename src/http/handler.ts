import { typeError } from '../errors/type-error.ts';
import { Future, TimeoutError } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type AbortSignalLike, type Coroutine, newWebResponse, onAbort } from '../kernel/lowlevel.ts';
import { Admission } from './admission.ts';
import { followBody, isStream } from './body.ts';
import { allowedSeconds } from './deadline.ts';
import { type RequestOptions, settingsOf } from './options.ts';
import { isDraining, nameOf, reportSwallowed, resultOf, serve } from './request-tasks.ts';

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
 * The task is named `GET /path` and has context variables of its own. A response that streams belongs to it until its body ends.
 *
 * | what happens | answer |
 * | --- | --- |
 * | the deadline passes before there is a response | 504, at once; the task is cancelled |
 * | the handler throws a `TimeoutError` | 504 |
 * | too many requests, or the server is drained | 503 with `Retry-After` |
 * | the client leaves | the task is cancelled; nobody sees the answer (499) |
 * | the handler throws anything else | as without this: the promise rejects |
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
    const name = nameOf(request.method, request.url);
    const seconds = allowedSeconds(settings.deadline, settings.headers, (header) => request.headers.get(header));
    return new Promise<R>((resolve, reject) => {
      let isAnswered = false;
      const answer = (response: R): void => {
        isAnswered = true;
        resolve(response);
      };
      let stopListening: (() => void) | null = null;
      const served = serve(name, seconds, settings, admission, {
        async run(its) {
          const response = await resultOf(handler(request, ...rest), name);
          its.keptDeadline();
          if (isAnswered) {
            // Its deadline has passed, and something has swallowed the cancellation.
            if (its.task.getLoop().getDebug()) reportSwallowed(name);
          } else if (request.method !== 'HEAD' && isStream(response)) {
            const over = new Future<void>({ loop: its.task.getLoop() });
            answer(followBody(response, its, over));
            await over;
          } else {
            answer(response);
          }
        },
        late() {
          answer(plain<R>(504, 'the deadline of the request has passed'));
          return true;
        },
        cancelled: () => answer(plain<R>(isDraining() ? 503 : 499, 'the request was cancelled')),
        failed(error) {
          if (error instanceof TimeoutError) answer(plain<R>(504, error.message));
          else reject(error);
        },
        over: () => stopListening?.(),
      });
      const { signal } = request;
      if (signal === undefined || signal === null) return;
      const leave = (): void => {
        served.task.cancel(`the client of ${name} has left`);
      };
      if (signal.aborted) leave();
      else stopListening = onAbort(signal, leave);
    });
  };
}

function plain<R>(status: number, text: string, headers: Readonly<Record<string, string>> = {}): R {
  // A status that is not for responses, such as 499, is only for logs.
  return newWebResponse(`${text}\n`, { status, headers: { 'content-type': 'text/plain', ...headers } }) as R;
}
