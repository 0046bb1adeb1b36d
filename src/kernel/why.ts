import { HAS_ERROR, MUST_CANCEL, type Request, type TaskRole } from './engine/roles.ts';
import type { CallSite } from './places.ts';

/** One request of the chain that has cancelled a task. */
export interface WhyRequest {
  /** The name of the task that asked; `null` when a callback or code outside the loop did. */
  readonly by: string | null;
  /** What was given to `cancel()`. */
  readonly message: unknown;
  /** When, in seconds of the loop's clock. */
  readonly at: number;
  /**
   * The construct or event that asked, such as `timeout(5 s)`; for a task that was cancelled because the task that
   * awaited it was, a sentence about that; `null` when `cancel()` was called directly.
   */
  readonly through: string | null;
  /** The request as a sentence. */
  readonly text: string;
}

/**
 * What has become of a request to cancel a task.
 *
 * | outcome | the task |
 * | --- | --- |
 * | `pending` | has not received it yet |
 * | `delivered` | has received it, and still runs: it cleans up, or has swallowed it |
 * | `cancelled` | has ended as cancelled |
 * | `swallowed` | has returned a result all the same |
 * | `failed` | has failed with another error |
 * | `taken back` | goes on, because `uncancel()` was called |
 */
export type WhyOutcome = 'pending' | 'delivered' | 'cancelled' | 'swallowed' | 'failed' | 'taken back';

/** Why a task is cancelled: plain data, whose text is a sentence for people. */
export class WhyCancelled {
  /**
   * The request to this task, then the one that led to it, and so on; the last one is the origin. Of a chain of more
   * than 50, the middle is left out.
   */
  readonly requests: readonly WhyRequest[];
  readonly outcome: WhyOutcome;
  /**
   * Where the task began its first wait after it had received the request, as `file:line:column`. If it has swallowed
   * the request, it did so before that. `null` when there was no such wait, and while places are not recorded, which
   * they are in debug mode and after `recordPlaces()` of `asyncio-ts/inspect`.
   */
  readonly wentOnAt: string | null;

  /** @internal */
  constructor(last: Request, outcome: WhyOutcome) {
    const requests: WhyRequest[] = [];
    for (let at: Request | null | undefined = last; at; at = at.cause) {
      if (requests.length >= MOST && at.cause) continue;
      const by = (at.by as TaskRole | null)?.getName() ?? null;
      requests.push({ by, message: at.message, at: at.at, through: at.through, text: at.tell() });
    }
    this.requests = requests;
    this.outcome = outcome;
    this.wentOnAt = afterRequest.get(last)?.text ?? null;
  }

  toString(): string {
    const [{ text, at }] = this.requests as [WhyRequest];
    const where = this.wentOnAt === null ? '' : `; went on to wait at ${this.wentOnAt}`;
    return `${text} (at ${at.toFixed(3)} s): ${this.outcome}${where}`;
  }
}

/**
 * At most so many requests are listed, because the text of each one takes a search for the first request of the chain.
 */
const MOST = 50;

const afterRequest: WeakMap<object, CallSite> = /* @__PURE__ */ new WeakMap();

/**
 * Called while places are recorded, when a task begins to wait: keeps the place of the first wait after the task has
 * received a request.
 */
export function noteAfterRequest(task: TaskRole, site: CallSite): void {
  const request = task._request;
  if (request === null || afterRequest.has(request)) return;
  // As long as it is not delivered, this may be the wait at which it will be.
  if ((task._marks & (MUST_CANCEL | HAS_ERROR)) === 0) afterRequest.set(request, site);
}
