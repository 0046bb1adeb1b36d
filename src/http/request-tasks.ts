import {
  ContextVar,
  type Coroutine,
  createTask,
  type EventLoop,
  getEventLoop,
  iscoroutine,
  type Task,
} from '../index.ts';
import { logger } from '../kernel/lowlevel.ts';
import type { Admission } from './admission.ts';
import type { Settings } from './options.ts';

/** A request that is being served. */
export class RequestTask {
  /** `GET /path`. */
  readonly name: string;
  /** When it came, on the loop's clock, in seconds. */
  readonly began: number;
  /** When its response has to begin; `null` when it may take any time. */
  readonly due: number | null;
  /** By which header the time that is left is told to others. */
  readonly header: string;
  readonly service: Service;
  task!: Task<void>;
  #timer: { cancel(): void } | null = null;

  constructor(name: string, began: number, seconds: number | null, header: string, service: Service) {
    this.name = name;
    this.began = began;
    this.due = seconds === null ? null : began + seconds;
    this.header = header;
    this.service = service;
  }

  /**
   * Cancels it at its deadline.
   *
   * @param passed called before, to answer the client. False when its response had begun already, so that the deadline is kept
   */
  limit(loop: EventLoop, passed: () => boolean): void {
    if (this.due === null) return;
    this.#timer = loop.callAt(this.due, () => {
      this.#timer = null;
      if (!passed()) return;
      const seconds = Number((this.due! - this.began).toFixed(3));
      this.task.cancel(`the deadline of ${this.name} has passed: its response had to begin within ${seconds} s`);
    });
  }

  /** Its response has begun: the deadline is kept. */
  keptDeadline(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

/** Of the task that serves a request: that request. */
export const servedRequest: ContextVar<RequestTask | null> = /* @__PURE__ */ new ContextVar<RequestTask | null>(
  'asyncio-ts request',
  { default: null },
);

/** The requests under way in this thread. */
const underWay: Set<RequestTask> = /* @__PURE__ */ new Set();
const drains = { count: 0 };

/** The requests that are being served in this thread, in the order in which they came. */
export function requestsUnderWay(): readonly RequestTask[] {
  return [...underWay];
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

/** How a request is served. */
export interface Service {
  /** Does the work. What it throws, other than the request's own cancellation, goes to `failed`. */
  run(request: RequestTask): Promise<void>;
  /** The deadline has passed: the client is answered at once, whatever the work does. False when its response had begun already. */
  late(): boolean;
  /** The work is over because it was cancelled. */
  cancelled(): void;
  failed(error: unknown): void;
  /** The work is over, in whatever way; called last. */
  over(): void;
  /** Whether the work is done, and only its response has not been sent completely. */
  isSending?(): boolean;
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

/** In debug mode: something has caught the cancellation at the deadline, and has answered as if nothing had happened. */
export function reportSwallowed(name: string): void {
  logger.warn(
    `${name} was cancelled at its deadline and gave an answer all the same; the client has got 504. Something has caught the ` +
      'CancelledError: a catch around an await, or the error handler of a framework. Let it pass: catch (error) { rethrowIfCancelled(error); … }.',
  );
}

/** Makes a task of a request. */
export function serve(
  name: string,
  seconds: number | null,
  { headers }: Settings,
  admission: Admission,
  service: Service,
): RequestTask {
  const loop = getEventLoop();
  const request = new RequestTask(name, loop.time(), seconds, headers[0] ?? 'x-request-timeout-ms', service);
  const wait = admission.enter(loop);
  const work = async (): Promise<void> => {
    servedRequest.set(request);
    if (wait !== null) await wait;
    await service.run(request);
  };
  request.task = createTask(work, { name });
  underWay.add(request);
  request.limit(loop, () => service.late());
  request.task.addDoneCallback((task) => {
    underWay.delete(request);
    request.keptDeadline();
    // A request that was cancelled before its first step has not awaited its turn: nothing else would end that wait.
    if (wait !== null && !wait.done()) wait.cancel();
    // A request that has left the queue has no place to give back, unless it was given one at the same time.
    if (wait === null || !wait.cancelled()) admission.leave();
    if (task.cancelled()) service.cancelled();
    else {
      const error = task.exception();
      if (error !== null) service.failed(error);
    }
    service.over();
  });
  return request;
}
