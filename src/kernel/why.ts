import { HAS_ERROR, MUST_CANCEL, type Request, SCOPE_PENDING, type TaskRole } from './engine/roles.ts';
import type { CallSite } from './places.ts';

/** One request of the chain that has cancelled a task. */
export interface WhyRequest {
  /** The name of the task that asked; `null` when a callback or code outside the loop did. */
  readonly by: string | null;
  /** What was given to `cancel()`. */
  readonly message: unknown;
  /** When, in seconds of the loop's clock. */
  readonly at: number;
  /** The construct or event that asked, such as `timeout(5 s)`; for a task that was cancelled with the one that awaited it, that story. */
  readonly through: string | null;
  /** The request as a sentence. */
  readonly text: string;
}

/**
 * What has become of a request to cancel a task.
 *
 * | outcome | the task |
 * | --- | --- |
 * | `pending` | has not got it yet |
 * | `delivered` | has got it, and still runs: it cleans up, or has swallowed it |
 * | `cancelled` | has ended as cancelled |
 * | `swallowed` | has returned a result all the same |
 * | `failed` | has failed with another error |
 * | `taken back` | goes on, because `uncancel()` was called |
 */
export type WhyOutcome = 'pending' | 'delivered' | 'cancelled' | 'swallowed' | 'failed' | 'taken back';

/** Why a task is cancelled: plain data, whose text is a sentence for people. */
export class WhyCancelled {
  /** The request to this task, the one that has led to it, and so on: the last one began it. Of a very long chain the middle is left out. */
  readonly requests: readonly WhyRequest[];
  readonly outcome: WhyOutcome;
  /**
   * Where the task has begun its first wait after it had got the request, as `file:line:column`. A task that swallows the request does so
   * before that. `null` when there was none, and while places are not recorded (debug mode, or `recordPlaces()` of `asyncio-ts/inspect`).
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

/** So many requests are told: each one looks for the one that began it. */
const MOST = 50;

const afterRequest: WeakMap<object, CallSite> = /* @__PURE__ */ new WeakMap();

/** A task begins to wait, while places are recorded: where it does so first after it has got a request is kept. */
export function noteAfterRequest(task: TaskRole, site: CallSite): void {
  const request = task._request;
  if (request === null || afterRequest.has(request)) return;
  // As long as it is on its way, this wait is where it will be delivered.
  if ((task._marks & (MUST_CANCEL | HAS_ERROR | SCOPE_PENDING)) === 0) afterRequest.set(request, site);
}
