import { checkOptions } from '../../internal/options.ts';
import { addInstrument, allTasks } from '../../kernel/index.ts';
import { recordPlaces, runningLoop } from '../../kernel/lowlevel.ts';
import { type TraceDocument, type TraceEvent, traceDocument } from './events.ts';
import { Tracer } from './tracer.ts';

/** Options of `startTracing`. */
export interface TracingOptions {
  /**
   * Called with the events since the last call, whenever an iteration of a loop is over. The events are not kept then, unless `keep` says so.
   * A listener that throws is reported, and ends the tracing.
   */
  readonly onEvents?: (events: readonly TraceEvent[]) => void;
  /** Whether the events are kept in memory, for `toJSON`. Default: whether there is no `onEvents`. */
  readonly keep?: boolean;
  /** Whether events say where in the program tasks were made and waits begun. It makes each wait several times as slow. Default: false. */
  readonly places?: boolean;
}

/** What `startTracing` returns. */
export interface Tracing {
  /** The events that were kept. */
  readonly events: readonly TraceEvent[];
  /** Ends the tracing. What has been recorded stays. */
  stop(): void;
  /** What was recorded until now, ready for `JSON.stringify`: the format of Chrome's and Perfetto's trace files. */
  toJSON(): TraceDocument;
  /** As `stop()`. */
  [Symbol.dispose](): void;
}

/**
 * Records what all loops of this thread do from now on: which task runs when, what tasks wait for, and who starts, wakes and cancels whom.
 * Times are those of each loop's own clock, also of a simulated one.
 *
 * @throws {TypeError} when an option is unknown
 * @example
 * const tracing = startTracing();
 * await createTask(main);
 * tracing.stop();
 * const text = JSON.stringify(tracing); // in a file, for `asyncio trace`
 * console.log(readTrace(text).traceEvents.length === tracing.events.length); // true
 */
export function startTracing(options: TracingOptions = {}): Tracing {
  checkOptions('startTracing', options, ['onEvents', 'keep', 'places']);
  return new Recording(options);
}

class Recording implements Tracing {
  readonly events: TraceEvent[] = [];
  readonly #onEvents: ((events: readonly TraceEvent[]) => void) | null;
  readonly #keeps: boolean;
  readonly #places: boolean;
  readonly #tracer: Tracer;
  readonly #remove: () => void;
  #waiting: TraceEvent[] = [];
  #isOver = false;

  constructor({ onEvents, keep = onEvents === undefined, places = false }: TracingOptions) {
    this.#onEvents = onEvents ?? null;
    this.#keeps = keep;
    this.#places = places;
    this.#tracer = new Tracer({
      write: (event) => this.#write(event),
      flush: () => this.#flush(),
      places,
    });
    if (places) recordPlaces(true);
    const loop = runningLoop();
    if (loop !== null) this.#tracer.adopt(loop, allTasks(loop));
    this.#remove = addInstrument(this.#tracer);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#remove();
    if (this.#places) recordPlaces(false);
    this.#tracer.end();
    this.#flush();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  toJSON(): TraceDocument {
    return traceDocument(this.events);
  }

  #write(event: TraceEvent): void {
    if (this.#keeps) this.events.push(event);
    if (this.#onEvents !== null) this.#waiting.push(event);
  }

  #flush(): void {
    if (this.#onEvents === null || this.#waiting.length === 0) return;
    const events = this.#waiting;
    this.#waiting = [];
    this.#onEvents(events);
  }
}
