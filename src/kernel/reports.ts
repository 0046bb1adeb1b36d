import type { EventLoop } from './event-loop.ts';
import type { Future } from './future.ts';
import { onProcessExit } from './runtime/platform.ts';

/**
 * The one funnel for errors that nobody looked at. A failed future is watched until its error is retrieved; when it is
 * collected before, or its loop closes, or the process ends, the error goes to the loop's exception handler.
 */
export interface Unretrieved {
  readonly loop: WeakRef<EventLoop>;
  readonly future: WeakRef<Future<unknown>>;
  message: string;
  readonly error: unknown;
}

// The record, not the future, is what is kept: a future must stay collectable, that being one of the three events.
const records: Set<Unretrieved> = /* @__PURE__ */ new Set();
let collected: FinalizationRegistry<Unretrieved> | null = null;

/** Watches a future that failed. */
export function watchFailure(future: Future<unknown>, error: unknown, message: string): Unretrieved {
  const record: Unretrieved = { loop: new WeakRef(future.getLoop()), future: new WeakRef(future), message, error };
  if (collected === null) {
    collected = new FinalizationRegistry(report);
    onProcessExit(reportAll);
  }
  collected.register(future, record, record);
  records.add(record);
  return record;
}

/** Changes what is said of a failed future, should nobody look at its error. */
export function nameFailure(future: Future<unknown>, message: (error: unknown) => string): void {
  const record = future._unretrieved ?? null; // there is none either in what stands in for a future
  if (record !== null) record.message = message(record.error);
}

/** The error was retrieved. */
export function unwatchFailure(record: Unretrieved): void {
  records.delete(record);
  collected?.unregister(record);
}

/** Reports what is left when a loop closes. */
export function reportFailuresOf(loop: EventLoop): void {
  for (const record of [...records]) {
    if (record.loop.deref() === loop) report(record);
  }
}

function reportAll(): void {
  for (const record of [...records]) report(record);
}

function report(record: Unretrieved): void {
  if (!records.has(record)) return;
  unwatchFailure(record);
  const future = record.future.deref();
  record.loop.deref()?.callExceptionHandler({
    message: record.message,
    exception: record.error,
    ...(future === undefined ? {} : { future }),
  });
}
