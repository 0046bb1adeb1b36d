import type { Future } from '../index.ts';
import { newWebResponse, newWebStream, release } from '../kernel/lowlevel.ts';
import type { ResponseLike } from './handler.ts';
import type { RequestTask } from './request-tasks.ts';

/** Types of content that are complete when the handler returns: to look at the body of such a response may cost as much as the request. */
const COMPLETE =
  /^(?:text\/(?!event-stream)|application\/(?:json|xml|javascript|problem\+json|x-www-form-urlencoded))/i;

/** The body of a response, where it has one. */
interface WithBody {
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
      cancel(reason?: unknown): Promise<void>;
    };
    cancel?(reason?: unknown): Promise<void>;
  } | null;
}

/** The part of a `ReadableStreamDefaultController` that this library uses. */
interface Controller {
  enqueue(chunk: unknown): void;
  close(): void;
  error(reason: unknown): void;
}

let hasTextType: boolean | null = null;

/** Whether a text gives a response its content type. Where it does not, as in Bun, a response without one is most often a text. */
function doesTextHaveType(): boolean {
  hasTextType ??= (newWebResponse('', {}) as ResponseLike).headers.get('content-type') !== null;
  return hasTextType;
}

/** Whether the body of a response may still be made when the handler has returned. */
export function isStream(response: ResponseLike): boolean {
  // A handler of Bun.serve returns nothing when it has made the request a WebSocket.
  const headers = (response as ResponseLike | undefined)?.headers;
  if (typeof headers?.get !== 'function') return false;
  if (headers.get('transfer-encoding') === null) {
    const type = headers.get('content-type');
    if (type === null ? !doesTextHaveType() : COMPLETE.test(type)) return false;
  }
  if (headers.get('content-length') !== null) return false;
  return ((response as Partial<WithBody>).body ?? null) !== null;
}

/** Gives up the body of a response that nobody gets, which may hold a connection: it would keep it for as long as nobody reads. */
export function dropBody(response: unknown, why: string): void {
  const body = (response as Partial<WithBody> | null | undefined)?.body ?? null;
  body?.cancel?.(new Error(why)).catch(() => {}); // whoever reads it already is in charge of it
}

/**
 * The same response, with a body that tells when it has ended. The client that leaves cancels the request; the request that is cancelled ends
 * the body with an error.
 */
export function followBody<R extends ResponseLike>(response: R, request: RequestTask, over: Future<void>): R {
  const reader = (response as Partial<WithBody>).body!.getReader();
  let controller!: Controller;
  const stream = newWebStream(
    {
      start(its: Controller) {
        controller = its;
      },
      async pull() {
        try {
          const { done, value } = await reader.read();
          if (!done) controller.enqueue(value);
          else {
            controller.close();
            release(over);
          }
        } catch (error) {
          controller.error(error);
          release(over);
        }
      },
      cancel(reason: unknown) {
        request.clientLeft();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  over.addDoneCallback(() => {
    if (!over.cancelled()) return;
    const reason = new Error(`${request.name} was cancelled`);
    controller.error(reason);
    reader.cancel(reason).catch(() => {});
  });
  return newWebResponse(stream, response) as R;
}
