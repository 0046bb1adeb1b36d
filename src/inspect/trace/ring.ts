/** What a record of a flight recorder is about. */
export const SPAWNED = 0;
export const WOKEN = 1;
export const CANCEL = 2;
export const ENDED = 3;
export const ERROR = 4;

/** A task, as records name it: it does not keep the task alive. */
export interface Subject {
  readonly id: number;
  readonly loop: number;
  readonly title: string;
  readonly step: string;
}

/** A class. */
export interface Named {
  readonly name: string;
}

/** One record, read back. */
export interface RingRecord {
  readonly kind: number;
  /** Seconds. */
  readonly time: number;
  readonly subject: Subject | null;
  readonly by: Subject | null;
  /** The operation of a wait, how a task has ended, or a message. */
  readonly text: string | null;
  /** What a wait is for: a task, or the class of a lock, queue …, which is less to keep alive than the object. */
  readonly on: Subject | Named | null;
}

/**
 * The last records, in memory that is taken once: columns of a fixed length, of which the oldest place is written next.
 *
 *     kinds    │ w │ s │ w │ e │ w │ …      time ─▶ wraps around
 *     times    │ 7 │ 8 │ 3 │ 4 │ 6 │ …
 *                        ▲ next
 */
export class RecordRing {
  readonly #kinds: Uint8Array;
  readonly #times: Float64Array;
  readonly #subjects: (Subject | null)[];
  readonly #by: (Subject | null)[];
  readonly #texts: (string | null)[];
  readonly #on: (Subject | Named | null)[];
  readonly #capacity: number;
  #next = 0;
  /** How many records were written in all. */
  written = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#kinds = new Uint8Array(capacity);
    this.#times = new Float64Array(capacity);
    this.#subjects = new Array<Subject | null>(capacity).fill(null);
    this.#by = new Array<Subject | null>(capacity).fill(null);
    this.#texts = new Array<string | null>(capacity).fill(null);
    this.#on = new Array<Subject | Named | null>(capacity).fill(null);
  }

  add(
    kind: number,
    time: number,
    subject: Subject | null,
    by: Subject | null,
    text: string | null,
    on: Subject | Named | null = null,
  ): void {
    const at = this.#next;
    this.#kinds[at] = kind;
    this.#times[at] = time;
    this.#subjects[at] = subject;
    this.#by[at] = by;
    this.#texts[at] = text;
    this.#on[at] = on;
    this.#next = at + 1 === this.#capacity ? 0 : at + 1;
    this.written++;
  }

  /** How many records have been overwritten. */
  get dropped(): number {
    return Math.max(0, this.written - this.#capacity);
  }

  /** The records that are left, the oldest first. */
  *[Symbol.iterator](): Generator<RingRecord, void, undefined> {
    const count = Math.min(this.written, this.#capacity);
    const first = this.written > this.#capacity ? this.#next : 0;
    for (let i = 0; i < count; i++) {
      const at = (first + i) % this.#capacity;
      yield {
        kind: this.#kinds[at]!,
        time: this.#times[at]!,
        subject: this.#subjects[at]!,
        by: this.#by[at]!,
        text: this.#texts[at]!,
        on: this.#on[at]!,
      };
    }
  }
}
