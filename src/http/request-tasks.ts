import {
  ContextVar,
  type Coroutine,
  createTask,
  type EventLoop,
  type Future,
  getEventLoop,
  iscoroutine,
  Task,
} from '../index.ts';
import { contextWith, logger } from '../kernel/lowlevel.ts';
import type { Admission } from './admission.ts';
import type { Settings } from './options.ts';

/**
 * A request that is being served. Each adapter has a class of its own, which does the work and says what the client gets: a request has one
 * object instead of a closure for each thing that may happen to it.
 */
export abstract class RequestTask {
  /** `GET /path`. */
  readonly name: string;
  readonly loop: EventLoop;
  /** When it came, on the loop's clock, in seconds. */
  readonly began: number;
  /** When its response has to begin; `null` when it may take any time. */
  readonly due: number | null;
  /** By which header the time that is left is told to others. */
  readonly header: string;
  task!: Task<void>;
  // Neighbours in the list of those under way.
  /** @internal */
  previous: RequestTask | null = null;
  /** @internal */
  next: RequestTask | null = null;
  readonly #admission: Admission;
  /** The wait for its turn; `null` when there was a place. */
  protected turn: Future<void> | null = null;
  #timer: { cancel(): void } | null = null;
  /** Whether its deadline does not matter any more. */
  #isKept = false;
  #hasLeft = false;

  constructor(name: string, seconds: number | null, { headers }: Settings, admission: Admission) {
    this.name = name;
    this.loop = getEventLoop();
    this.began = this.loop.time();
    this.due = seconds === null ? null : this.began + seconds;
    this.header = headers[0] ?? 'x-request-timeout-ms';
    this.#admission = admission;
  }

  /** The deadline has passed: the client is answered at once, whatever the work does. False when its response had begun already. */
  protected abstract late(): boolean;
  /** The work is over because it was cancelled. */
  protected abstract cancelled(): void;
  protected abstract failed(error: unknown): void;
  /** The work is over, in whatever way; called last. */
  protected abstract over(): void;

  /** Whether the work is done, and only its response has not been sent completely. */
  get isSending(): boolean {
    return false;
  }

  /** The server is shutting down, and the work does not end although it was cancelled: takes from it what it may wait for. */
  abandon(): void {}

  /**
   * Makes a task of it.
   *
   * @param work an async function, which awaits its `turn` first
   */
  protected start(work: () => Promise<void>): void {
    const { loop, name } = this;
    this.turn = this.#admission.enter(loop);
    const context = contextWith(servedRequest, this);
    // The loop would check the options, and copy them for the task, which checks them again.
    this.task =
      loop.getTaskFactory() === null
        ? new Task<void>(work, { name, context, loop })
        : loop.createTask(work, { name, context });
    link(this);
    if (this.due !== null) watchDeadline(this);
    this.task.addDoneCallback(() => this.#end());
  }

  #end(): void {
    unlink(this);
    this.keptDeadline();
    const { task } = this;
    const { turn } = this;
    // A request that was cancelled before its first step has not awaited its turn: nothing else would end that wait.
    if (turn !== null && !turn.done()) turn.cancel();
    // A request that has left the queue has no place to give back, unless it was given one at the same time.
    if (turn === null || !turn.cancelled()) this.#admission.leave();
    if (task.cancelled()) this.cancelled();
    else {
      const error = task.exception();
      if (error !== null) this.failed(error);
    }
    this.over();
  }

  /** It has failed after its client was answered, or has left: most often a consequence of the cancellation, and nobody else is told. */
  protected reportFailure(error: unknown): void {
    this.loop.callExceptionHandler({
      message: `${this.name} failed after it was cancelled`,
      exception: error,
      task: this.task,
    });
  }

  /** Sets the timer of its deadline, unless that does not matter any more. */
  setTimer(): void {
    if (this.#isKept) return;
    if (this.loop.time() >= this.due!) this.#deadlinePassed();
    else this.#timer = this.loop.callAt(this.due!, () => this.#deadlinePassed());
  }

  #deadlinePassed(): void {
    this.#timer = null;
    if (!this.#hasLeft && !this.late()) return;
    const seconds = Number((this.due! - this.began).toFixed(3));
    this.task.cancel(`the deadline of ${this.name} has passed: its response had to begin within ${seconds} s`);
  }

  /** The client has left: nobody is to be answered. At the deadline the work is cancelled once more, if it still goes on. */
  clientLeft(): void {
    this.#hasLeft = true;
    this.task.cancel(`the client of ${this.name} has left`);
  }

  /** Its response has begun: the deadline is kept. */
  keptDeadline(): void {
    this.#isKept = true;
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
  }
}

/** Of the task that serves a request: that request. */
export const servedRequest: ContextVar<RequestTask | null> = /* @__PURE__ */ new ContextVar<RequestTask | null>(
  'asyncio-ts request',
  { default: null },
);

/**
 * The requests under way in this thread, as a list. Not a `Set`: each time it grows it leaves a table behind that still refers to requests, and
 * from which the next table hangs. Once one of them has grown old, all that follow survive the collections of young objects, with all that their
 * requests hold. In a benchmark of the adapter alone, collecting took more than half of the time.
 */
const underWay: { first: RequestTask | null; last: RequestTask | null } = { first: null, last: null };
const drains = { count: 0 };

function link(request: RequestTask): void {
  const { last } = underWay;
  request.previous = last;
  if (last === null) underWay.first = request;
  else last.next = request;
  underWay.last = request;
}

function unlink(request: RequestTask): void {
  const { previous, next } = request;
  if (previous === null) underWay.first = next;
  else previous.next = next;
  if (next === null) underWay.last = previous;
  else next.previous = previous;
  request.previous = null;
  request.next = null;
}

/** The requests that are being served in this thread, in the order in which they came. */
export function requestsUnderWay(): readonly RequestTask[] {
  const requests: RequestTask[] = [];
  for (let request = underWay.first; request !== null; request = request.next) requests.push(request);
  return requests;
}

/** Requests that have come in the same iteration of a loop. */
interface Newcomers {
  readonly loop: EventLoop;
  readonly requests: RequestTask[];
}

let newcomers: Newcomers | null = null;

/**
 * Sees to it that a request is told when its deadline has passed. A timer is set for those alone that are not over after their first step: to set
 * and clear one costs as much as the rest of a request that is answered at once.
 */
function watchDeadline(request: RequestTask): void {
  const { loop } = request;
  if (newcomers === null || newcomers.loop !== loop) {
    newcomers = { loop, requests: [] };
    loop.callSoon(setTimers, newcomers);
  }
  newcomers.requests.push(request);
}

function setTimers(some: Newcomers): void {
  if (newcomers === some) newcomers = null;
  for (const request of some.requests) request.setTimer();
}

/** Whether no new requests are taken. */
export function isDraining(): boolean {
  return drains.count > 0;
}

/** From now on no new requests are taken, until the function that is returned is called. */
export function stopTaking(): () => void {
  drains.count++;
  return () => {
    drains.count--;
  };
}

/** `GET /path`, for a URL with or without its origin. */
export function nameOf(method: string, url: string): string {
  // A path may have a URL in its query, so only a URL that does not begin with a slash has an origin.
  const origin = url.startsWith('/') ? -1 : url.indexOf('://');
  const from = origin < 0 ? 0 : url.indexOf('/', origin + 3);
  const query = url.indexOf('?', from);
  return `${method} ${from < 0 ? '/' : url.slice(from, query < 0 ? undefined : query)}`;
}

/** What a handler gives, for an `await`: a promise, the value itself, or a task of a generator coroutine. */
export function resultOf<T>(given: T | PromiseLike<T> | Coroutine<T>, name: string): T | PromiseLike<T> {
  return iscoroutine(given) ? createTask(given as Coroutine<T>, { name }) : (given as T | PromiseLike<T>);
}

/** In debug mode: something has caught the cancellation at the deadline, and has gone on as if nothing had happened. */
export function reportSwallowed(name: string): void {
  logger.warn(
    `${name} was cancelled at its deadline and went on all the same; the client has got 504. Something has caught the ` +
      'CancelledError: a catch around an await, or the error handler of a framework. Let it pass: catch (error) { rethrowIfCancelled(error); … }.',
  );
}
