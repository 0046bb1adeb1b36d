import { RingBuffer } from '../internal/ring-buffer.ts';
import { emit, hooks } from './engine/hooks.ts';
import type { EventLoop } from './event-loop.ts';
import type { Future } from './future.ts';
import { afterMicrotasks, callInBackground, onProcessExit, throwUnhandled } from './runtime/platform.ts';

/**
 * Reports errors that were not retrieved. A failed future is watched until its error is retrieved. If it is not, the
 * error is reported to the loop's exception handler: after a time, if the loop has one (`unretrievedAfter`); otherwise,
 * as in CPython, when the future is garbage collected. If the loop is closed or the process ends before that, it is
 * reported then.
 */
export interface Unretrieved {
  readonly loop: WeakRef<EventLoop>;
  readonly future: WeakRef<Future<unknown>>;
  message: string;
  error: unknown;
  /** If there is a time for the report, the future is kept until then, so that the report can name it. */
  held: Future<unknown> | null;
  /** That time, on the loop's clock. */
  due: number;
}

// Only the record is kept, not the future, because garbage collection of the future is one of the events that cause a
// report.
const records: Set<Unretrieved> = /* @__PURE__ */ new Set();
let collected: FinalizationRegistry<Unretrieved> | null = null;

/** Watches a future that failed. */
export function watchFailure(future: Future<unknown>, error: unknown, message: string): Unretrieved {
  const loop = future.getLoop();
  const record: Unretrieved = {
    loop: new WeakRef(loop),
    future: new WeakRef(future),
    message,
    error,
    held: null,
    due: 0,
  };
  if (collected === null) {
    collected = new FinalizationRegistry((lost) => report(lost));
    onProcessExit(() => reportAll());
  }
  records.add(record);
  if (!beginClock(record, future)) collected.register(future, record, record);
  return record;
}

/** Starts the time after which a failure is reported. Returns false when it is reported as in CPython. */
function beginClock(record: Unretrieved, future: Future<unknown>): boolean {
  const loop = future.getLoop();
  const after = loop.unretrievedAfter ?? null; // a class that is used in place of a loop does not have it
  if (after === null) return false;
  record.held = future;
  if (after === 0) afterMicrotasks(() => reportOverdue(record));
  else loop._overdue.add(record, after);
  return true;
}

function reportOverdue(record: Unretrieved): void {
  if (record.held !== null) report(record);
}

/**
 * Postpones the report of a failed future that is kept to be passed on, for example by `wait`: until then no other code
 * can retrieve its error. If it is dropped instead, the error is reported when the future is garbage collected.
 */
export function postponeReport(future: Future<unknown>): void {
  const record = future._unretrieved ?? null;
  if (record === null || record.held === null) return;
  record.held = null;
  collected?.register(future, record, record);
}

/** The future is passed on: the time starts now. */
export function resumeReport(future: Future<unknown>): void {
  const record = future._unretrieved ?? null;
  if (record === null || record.held !== null) return;
  if (beginClock(record, future)) collected?.unregister(record);
}

/** Changes the message of the report for a failed future. */
export function nameFailure(future: Future<unknown>, message: (error: unknown) => string): void {
  const record = future._unretrieved ?? null; // an object that is used in place of a future does not have it
  if (record !== null) record.message = message(record.error);
}

/** The error was retrieved. */
export function unwatchFailure(record: Unretrieved): void {
  records.delete(record);
  if (record.held === null) collected?.unregister(record);
  // A record that is already in the queue may stay there: it keeps nothing alive.
  record.held = null;
  record.error = undefined;
}

/** Reports the remaining errors when a loop is closed. */
export function reportFailuresOf(loop: EventLoop): void {
  for (const record of [...records]) {
    if (record.loop.deref() === loop) report(record);
  }
}

/** The process ends: it is too late to raise errors, so they are reported. */
function reportAll(): void {
  for (const record of [...records]) report(record, false);
}

function report(record: Unretrieved, mayThrow = true): void {
  if (!records.has(record)) return;
  const { error, message } = record;
  const future = record.future.deref();
  const loop = record.loop.deref();
  unwatchFailure(record);
  if (loop === undefined) return;
  const context = { message, exception: error, ...(future === undefined ? {} : { future }) };
  if (!mayThrow || loop.unretrieved !== 'throw') {
    loop.callExceptionHandler(context);
  } else {
    if (hooks.errorReported !== null) emit('errorReported', loop, context);
    throwUnhandled(error);
  }
}

/**
 * The failures of a loop that will be reported when their time has come. There is one timer for all of them, set to the
 * first one.
 *
 * Invariant: there is a timer while the queue is not empty.
 */
export class OverdueFailures {
  readonly #loop: EventLoop;
  /** A record that was postponed is in it twice, and is reported when it is due. */
  readonly #queue = new RingBuffer<{ readonly when: number; readonly record: Unretrieved }>();

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  /** @param after seconds */
  add(record: Unretrieved, after: number): void {
    record.due = this.#loop.time() + after;
    this.#queue.push({ when: record.due, record });
    if (this.#queue.length === 1) this.#arm(after);
  }

  #arm(after: number): void {
    const loop = this.#loop;
    // The loop of the main thread runs whenever it has work, and a timer of the loop would keep the program alive.
    if (loop._hosted) callInBackground(after, this.#check);
    else loop.callLater(after, this.#check);
  }

  readonly #check = (): void => {
    const queue = this.#queue;
    const now = this.#loop.time() + EARLY;
    while (queue.length > 0 && queue.peek().when <= now) {
      const { record } = queue.shift();
      if (record.due <= now) reportOverdue(record);
    }
    if (queue.length > 0 && !this.#loop._isClosed) this.#arm(queue.peek().when - this.#loop.time());
  };
}

/** How much too early timers of the runtime may fire, in seconds. */
const EARLY = 1e-3;
