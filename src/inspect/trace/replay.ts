import { EventClock } from './clock.ts';
import type { TraceEvent } from './events.ts';
import { CANCEL, ENDED, ERROR, type RecordRing, type RingRecord, SPAWNED, type Subject, WOKEN } from './ring.ts';
import { argumentsOf, cut, nameOfWait, objectOfWait } from './words.ts';

/** A task that is not done, and what it waits for now. */
export interface LiveTask {
  readonly subject: Subject;
  readonly waits: readonly { readonly on: object; readonly place: string | null }[];
}

/** A step of a task is not recorded; where one begins, a mark of this length is put, in microseconds. */
const STEP = 0.001;

/** Makes trace events of the records of a flight recorder: from wake to wake a task has waited, or run for some part of it. */
export function replay(ring: RecordRing, live: readonly LiveTask[]): TraceEvent[] {
  return new Replay(ring, live).events;
}

class Replay {
  readonly events: TraceEvent[] = [];
  readonly #clocks = new Map<number, EventClock>();
  /** When each task was last seen to go on. */
  readonly #seen = new Map<Subject, number>();
  readonly #first = new Map<number, number>();
  readonly #alive = new Map<number, number>();
  #arrows = 0;

  constructor(ring: RecordRing, live: readonly LiveTask[]) {
    const records = [...ring];
    for (const { subject } of live) this.#addAlive(subject, 1);
    // The number of tasks is known now; before, there were those fewer that have begun since, and those more that have ended.
    for (const { kind, subject } of records) {
      if (subject !== null && (kind === SPAWNED || kind === ENDED)) this.#addAlive(subject, kind === SPAWNED ? -1 : 1);
    }
    for (const record of records) this.#tell(record);
    for (const { subject, waits } of live) this.#tellWaits(subject, waits);
  }

  #addAlive({ loop }: Subject, by: number): void {
    this.#alive.set(loop, (this.#alive.get(loop) ?? 0) + by);
  }

  #tell({ kind, time, subject, by, text, on }: RingRecord): void {
    const pid = subject?.loop ?? 1;
    const ts = this.#clockOf(pid).at(time);
    if (!this.#first.has(pid)) {
      this.#first.set(pid, ts);
      this.#tellCount(pid, ts);
    }
    if (kind === ERROR || subject === null) {
      this.events.push({ ph: 'i', name: text ?? 'error', cat: 'error', pid, tid: 0, ts, s: 't' });
      return;
    }
    this.#introduce(subject);
    if (by !== null) this.#introduce(by);
    const tid = subject.id;
    if (kind === WOKEN) this.#tellWait(subject, ts, titleOfWait(text, on));
    if (by !== null && by !== subject && by.loop === pid) {
      this.#tellArrow(kind === SPAWNED ? 'spawn' : kind === CANCEL ? 'cancel' : 'wake', pid, by.id, tid, ts);
    }
    if (kind === SPAWNED || kind === WOKEN) {
      this.#seen.set(subject, ts);
      this.events.push({ ph: 'X', name: subject.step, cat: 'step', pid, tid, ts, dur: STEP });
    }
    if (kind === CANCEL) this.events.push({ ph: 'i', name: 'cancel()', cat: 'cancel', pid, tid, ts, s: 't' });
    if (kind === ENDED) {
      const end = { ph: 'i', name: text ?? 'done', cat: 'end', pid, tid, ts, s: 't' } as const;
      this.events.push(text?.startsWith('failed') ? { ...end, args: { failed: true } } : end);
    }
    if (kind === SPAWNED || kind === ENDED) {
      this.#addAlive(subject, kind === SPAWNED ? 1 : -1);
      this.#tellCount(pid, ts);
    }
  }

  #tellCount(pid: number, ts: number): void {
    this.events.push({ ph: 'C', name: 'tasks', pid, tid: 0, ts, args: { tasks: this.#alive.get(pid) ?? 0 } });
  }

  #tellWait(subject: Subject, ts: number, name: string): void {
    const begin = this.#beginOf(subject);
    const { loop: pid, id: tid } = subject;
    if (begin >= ts) return;
    this.events.push({ ph: 'X', name, cat: 'wait', pid, tid, ts: begin, dur: ts - begin });
  }

  #tellWaits(subject: Subject, waits: LiveTask['waits']): void {
    this.#introduce(subject);
    const { loop: pid, id: tid } = subject;
    for (const { on, place } of waits) {
      const args = argumentsOf({ object: objectOfWait(on), place: place === null ? null : cut(place) });
      const event = { ph: 'B', name: nameOfWait(on), cat: 'wait', pid, tid, ts: this.#beginOf(subject) } as const;
      this.events.push(args === null ? event : { ...event, args });
    }
  }

  #tellArrow(cat: 'spawn' | 'wake' | 'cancel', pid: number, from: number, to: number, ts: number): void {
    const id = ++this.#arrows;
    this.events.push({ ph: 's', name: cat, cat, pid, tid: from, ts, id });
    this.events.push({ ph: 'f', name: cat, cat, pid, tid: to, ts, id, bp: 'e' });
  }

  /** Since when a task may wait: since it last went on, or since before the first record. */
  #beginOf(subject: Subject): number {
    const seen = this.#seen.get(subject);
    return seen === undefined ? (this.#first.get(subject.loop) ?? 0) : seen + STEP;
  }

  #clockOf(loop: number): EventClock {
    let clock = this.#clocks.get(loop);
    if (clock === undefined) {
      clock = new EventClock();
      this.#clocks.set(loop, clock);
      const args = { name: `event loop ${loop}` };
      this.events.push({ ph: 'M', name: 'process_name', pid: loop, tid: 0, ts: 0, args });
    }
    return clock;
  }

  readonly #known = new Set<Subject>();

  #introduce(subject: Subject): void {
    if (this.#known.has(subject)) return;
    this.#known.add(subject);
    const { loop: pid, id: tid, title } = subject;
    this.#clockOf(pid);
    this.events.push({ ph: 'M', name: 'thread_name', pid, tid, ts: 0, args: { name: title } });
  }
}

/** The name that `nameOfWait` would have given. */
function titleOfWait(operation: string | null, on: RingRecord['on']): string {
  if (on === null) return operation ?? 'future';
  const name = 'title' in on ? on.title : String(on.name);
  return cut(`${operation ?? 'task'} ${name}`);
}
