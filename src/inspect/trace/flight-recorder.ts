import { titlesOf } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import { addInstrument, allTasks, type ExceptionContext, type Instrument } from '../../kernel/index.ts';
import {
  type EventLoop,
  type Future,
  isLoopClosed,
  purposeOf,
  runningLoop,
  Task,
  waitsOfTask,
} from '../../kernel/lowlevel.ts';
import { type TraceDocument, traceDocument } from './events.ts';
import { replay } from './replay.ts';
import { CANCEL, ENDED, ERROR, RecordRing, SPAWNED, type Subject, WOKEN } from './ring.ts';
import { cut, titlesOfTask } from './words.ts';

type AnyTask = Task<unknown>;

/** Hundreds of megabytes: more is a mistake. */
const MOST_EVENTS = 10_000_000;

/** Options of `startFlightRecorder`. */
export interface FlightRecorderOptions {
  /** How many events are remembered. Default: 10,000, which take about half a megabyte. */
  readonly events?: number;
}

/** What `startFlightRecorder` returns. */
export interface FlightRecorder {
  /**
   * What is remembered, and what every task waits for now, ready for `JSON.stringify` and for `asyncio trace`.
   *
   * @param reason why it was asked for; the file says so
   */
  dump(reason?: string): TraceDocument;
  /** How many tasks of the loops that were seen are not done. */
  pending(): number;
  /** Ends the recording. What is remembered stays. */
  stop(): void;
  /** As `stop()`. */
  [Symbol.dispose](): void;
}

/**
 * Remembers the last events of all loops of this thread in memory that does not grow: tasks that start and end, who wakes whom from which
 * wait, cancellations, and reported errors. Steps are not recorded, so that a task that only gives way runs as fast as without it;
 * `startTracing` records them.
 *
 * @throws {TypeError} when an option is unknown, or `events` no number
 * @throws {ValueError} when `events` is not a whole number from 1 to 10,000,000
 * @example
 * const recorder = startFlightRecorder({ events: 1_000 });
 * await createTask(main);
 * const text = JSON.stringify(recorder.dump('main has ended'));
 * recorder.stop();
 * console.log(readTrace(text).otherData.reason); // main has ended
 */
export function startFlightRecorder(options: FlightRecorderOptions = {}): FlightRecorder {
  checkOptions('startFlightRecorder', options, ['events']);
  return new Recorder(
    checkWholeNumber('startFlightRecorder: events', options.events ?? 10_000, { least: 1, most: MOST_EVENTS }),
  );
}

class Recorder implements FlightRecorder, Instrument {
  readonly #ring: RecordRing;
  readonly #subjects = new WeakMap<AnyTask, Subject>();
  readonly #loopNumbers = new WeakMap<EventLoop, number>();
  readonly #loops: WeakRef<EventLoop>[] = [];
  readonly #remove: () => void;
  #tasks = 0;

  constructor(events: number) {
    this.#ring = new RecordRing(events);
    const loop = runningLoop();
    if (loop !== null) this.#numberOf(loop);
    this.#remove = addInstrument(this);
  }

  // ------------------------------------------------------------------------------------------------- hooks

  taskSpawned(task: AnyTask, parent: AnyTask | null): void {
    this.#add(SPAWNED, task, parent, null);
  }

  woken(awaiter: object, on: object, by: AnyTask | null): void {
    if (!(awaiter instanceof Task)) return;
    const maker = by === null ? null : this.#subjectOf(by);
    const subject = this.#subjectOf(awaiter);
    const time = awaiter.getLoop().time();
    if (on instanceof Task) {
      this.#ring.add(WOKEN, time, subject, maker, null, this.#subjectOf(on));
      return;
    }
    // No text is made here: most records are overwritten before anybody looks at them.
    const purpose = purposeOf(on as Future<unknown>);
    const object = purpose?.object ?? null;
    const what = object === null ? null : object instanceof Task ? this.#subjectOf(object) : object.constructor;
    this.#ring.add(WOKEN, time, subject, maker, purpose?.operation ?? 'future', what);
  }

  cancelRequested(task: AnyTask, by: AnyTask | null): void {
    this.#add(CANCEL, task, by, null);
  }

  taskFinished(task: AnyTask, failure: { readonly error: unknown } | null): void {
    const how =
      failure !== null ? cut(`failed: ${titlesOf([failure.error])}`) : task.cancelled() ? 'cancelled' : 'done';
    this.#add(ENDED, task, null, how);
  }

  errorReported(loop: EventLoop, { message, exception }: ExceptionContext): void {
    this.#numberOf(loop);
    const text = exception === undefined ? String(message) : `${message}: ${titlesOf([exception])}`;
    this.#ring.add(ERROR, loop.time(), null, null, cut(text));
  }

  #add(kind: number, task: AnyTask, by: AnyTask | null, text: string | null): void {
    this.#ring.add(kind, task.getLoop().time(), this.#subjectOf(task), by === null ? null : this.#subjectOf(by), text);
  }

  #subjectOf(task: AnyTask): Subject {
    let subject = this.#subjects.get(task);
    if (subject === undefined) {
      subject = { id: ++this.#tasks, loop: this.#numberOf(task.getLoop()), ...titlesOfTask(task) };
      this.#subjects.set(task, subject);
    }
    return subject;
  }

  #numberOf(loop: EventLoop): number {
    let number = this.#loopNumbers.get(loop);
    if (number === undefined) {
      number = this.#loops.push(new WeakRef(loop));
      this.#loopNumbers.set(loop, number);
    }
    return number;
  }

  // ------------------------------------------------------------------------------------------------- what users call

  dump(reason?: string): TraceDocument {
    const live = this.#live().map((task) => ({
      subject: this.#subjectOf(task),
      waits: waitsOfTask(task).flatMap(({ on, place }) => (on === null ? [] : { on, place })),
    }));
    return traceDocument(replay(this.#ring, live), {
      ...(this.#ring.dropped > 0 ? { dropped: this.#ring.dropped } : {}),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  pending(): number {
    return this.#live().length;
  }

  stop(): void {
    this.#remove();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #live(): AnyTask[] {
    return this.#loops.flatMap((ref) => {
      const loop = ref.deref();
      return loop === undefined || isLoopClosed(loop) ? [] : [...allTasks(loop)];
    });
  }
}
