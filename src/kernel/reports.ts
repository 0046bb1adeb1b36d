import { RingBuffer } from '../internal/ring-buffer.ts';
import { emit, hooks } from './engine/hooks.ts';
import type { EventLoop } from './event-loop.ts';
import type { Future } from './future.ts';
import { afterMicrotasks, callInBackground, onProcessExit, throwUnhandled } from './runtime/platform.ts';

/**
 * The one funnel for errors that nobody looked at. A failed future is watched until its error is retrieved. What is left is told to the
 * loop's exception handler: after a time, where the loop has one (`unretrievedAfter`); otherwise, as in CPython, when the future is
 * collected. What comes first counts: that, or the loop closes, or the process ends.
 */
export interface Unretrieved {
  readonly loop: WeakRef<EventLoop>;
  readonly future: WeakRef<Future<unknown>>;
  message: string;
  error: unknown;
  /** Where there is a time to report it, the future lives until then, so that the report can name it. */
  held: Future<unknown> | null;
  /** That time, on the loop's clock. */
  due: number;
}

// The record, not the future, is what is kept: a future must stay collectable, that being one of the three events.
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
    onProcessExit(reportAll);
  }
  records.add(record);
  if (!beginClock(record, future)) collected.register(future, record, record);
  return record;
}

/** From now on the time passes after which a failure is reported. False where that is CPython's moment. */
function beginClock(record: Unretrieved, future: Future<unknown>): boolean {
  const loop = future.getLoop();
  const after = loop.unretrievedAfter ?? null; // a class that stands in for a loop has none
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
 * Somebody keeps a failed future who is going to hand it on, `wait` for instance: nobody else can have looked at its error meanwhile.
 * Should it be dropped, it is reported when it is collected.
 */
export function postponeReport(future: Future<unknown>): void {
  const record = future._unretrieved ?? null;
  if (record === null || record.held === null) return;
  record.held = null;
  collected?.register(future, record, record);
}

/** It is handed on: from now on the time counts. */
export function resumeReport(future: Future<unknown>): void {
  const record = future._unretrieved ?? null;
  if (record === null || record.held !== null) return;
  if (beginClock(record, future)) collected?.unregister(record);
}

/** Changes what is said of a failed future, should nobody look at its error. */
export function nameFailure(future: Future<unknown>, message: (error: unknown) => string): void {
  const record = future._unretrieved ?? null; // there is none either in what stands in for a future
  if (record !== null) record.message = message(record.error);
}

/** The error was retrieved. */
export function unwatchFailure(record: Unretrieved): void {
  records.delete(record);
  if (record.held === null) collected?.unregister(record);
  // What waits for its time may wait on: it keeps nothing alive.
  record.held = null;
  record.error = undefined;
}

/** Reports what is left when a loop closes. */
export function reportFailuresOf(loop: EventLoop): void {
  for (const record of [...records]) {
    if (record.loop.deref() === loop) report(record);
  }
}

/** The process ends: too late to raise anything. */
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
 * The failures of a loop that are to be reported when their time has come. One timer for all of them, that of the first one.
 *
 * Invariant: there is a timer while the queue is not empty.
 */
export class OverdueFailures {
  readonly #loop: EventLoop;
  /** A record that was postponed is in it twice, and counts when it is due. */
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
    // The loop of the main thread turns whenever it has work, and a timer of its own would keep the program alive.
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
    if (queue.length > 0 && !this.#loop.isClosed()) this.#arm(queue.peek().when - this.#loop.time());
  };
}

/** Timers of the runtime may come so much too early, in seconds. */
const EARLY = 1e-3;
