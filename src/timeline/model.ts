import type { TraceEvent } from '../inspect/trace/events.ts';
import { lowestIndex, Slices } from './slices.ts';
import { shownText } from './text.ts';

/** What happens at one moment on a track: an end, a delivered cancellation, an error. */
export interface Mark {
  readonly time: number;
  readonly event: TraceEvent;
}

/** One row: a task, a branch of one, or the loop itself. */
export interface Track {
  readonly pid: number;
  readonly tid: number;
  name: string;
  order: number;
  /** Of a branch: the task's. */
  parent: number | null;
  readonly steps: Slices;
  readonly waits: Slices;
  readonly marks: Mark[];
  begin: number;
  end: number;
}

/** From one track to another, or within one. */
export interface Arrow {
  readonly kind: string;
  readonly from: Track;
  readonly begin: number;
  to: Track | null;
  end: number;
}

/** A slice, as what is selected, found or hovered. */
export interface SliceRef {
  readonly track: Track;
  readonly kind: 'step' | 'wait';
  readonly index: number;
}

/** The values of one counter, in the order of time. */
export interface Counter {
  readonly times: number[];
  readonly values: number[];
  most: number;
}

const MOST_TASKS_OF_A_LOOP = 2 ** 32;

/** The events that were appended, as tracks that can be searched by time. Knows nothing of pages. */
export class TimelineModel {
  readonly #tracks = new Map<number, Track>();
  readonly #branches = new Map<Track, Track[]>();
  readonly #processes = new Map<number, string>();
  readonly counters = new Map<string, Counter>();
  /** In the order in which they begin. */
  readonly arrows: Arrow[] = [];
  readonly #arrowBegins: number[] = [];
  /** Arrows of which the beginning has come, by what both ends say. */
  readonly #openArrows = new Map<string, Arrow>();
  readonly #arrivals = new Map<Track, Arrow[]>();
  #sorted: Track[] | null = null;
  begin = Infinity;
  end = -Infinity;
  /** How many events it holds. */
  size = 0;

  /** Adds events in the order in which they were recorded. Those that are no events of a trace are left out. */
  append(events: Iterable<TraceEvent>): void {
    for (const event of events) if (isEvent(event)) this.#add(event);
  }

  /** All tracks, as they are shown from top to bottom. */
  get tracks(): readonly Track[] {
    if (this.#sorted === null) {
      const shown = [...this.#tracks.values()].filter(
        ({ steps, waits, marks }) => steps.length + waits.length + marks.length > 0,
      );
      this.#sorted = shown.sort((a, b) => a.pid - b.pid || a.order - b.order || a.tid - b.tid);
    }
    return this.#sorted;
  }

  get isEmpty(): boolean {
    return this.end < this.begin;
  }

  /** The name of a loop, where there are several. */
  processOf(track: Track): string {
    return this.#processes.get(track.pid) ?? `loop ${track.pid}`;
  }

  get hasSeveralLoops(): boolean {
    return this.tracks.some(({ pid }) => pid !== this.tracks[0]!.pid);
  }

  /** The rows of a task: its own, and those of its branches. */
  lanesOf(main: Track): readonly Track[] {
    return [main, ...(this.#branches.get(main) ?? [])];
  }

  /** The row of the task itself, which has its steps. */
  mainOf(track: Track): Track {
    return track.parent === null ? track : (this.#tracks.get(track.pid * MOST_TASKS_OF_A_LOOP + track.parent) ?? track);
  }

  /** When a slice ends; the end of the whole timeline for one that has not ended. */
  endOf({ track, kind, index }: SliceRef): number {
    const end = slicesOf(track, kind).ends[index]!;
    return end === Infinity ? Math.max(this.end, slicesOf(track, kind).begins[index]!) : end;
  }

  /** The arrows that begin in a span of time. */
  arrowsIn(from: number, to: number): Arrow[] {
    const first = lowestIndex(this.#arrowBegins, 0, (begin) => begin >= from);
    return this.arrows.slice(
      first,
      lowestIndex(this.#arrowBegins, first, (begin) => begin > to),
    );
  }

  /** The last arrow that arrives on a track in a span of time. */
  arrivalIn(track: Track, from: number, to: number): Arrow | null {
    const found = this.#arrivals.get(track) ?? [];
    const last = found[lowestArrivalAfter(found, to) - 1];
    return last !== undefined && last.end >= from ? last : null;
  }

  /** The arrows that begin or end in a slice. */
  arrowsOf(slice: SliceRef): Arrow[] {
    const begin = slicesOf(slice.track, slice.kind).begins[slice.index]!;
    const end = this.endOf(slice);
    const leaving = this.arrowsIn(begin, end).filter(({ from }) => from === slice.track);
    const arrived = (this.#arrivals.get(slice.track) ?? []).filter((arrow) => arrow.end >= begin && arrow.end <= end);
    return [...new Set([...arrived, ...leaving])];
  }

  #add(event: TraceEvent): void {
    this.size++;
    const { ph, ts } = event;
    if (ph === 'M') {
      this.#describe(event);
      return;
    }
    if (ph === 'C') {
      this.#count(event);
      this.#extend(ts, ts);
      return;
    }
    const track = this.#trackOf(event);
    const end = ph === 'X' ? ts + Math.max(0, event.dur ?? 0) : ts;
    this.#extend(ts, end);
    track.begin = Math.min(track.begin, ts);
    track.end = Math.max(track.end, end);
    switch (ph) {
      case 'X':
        (event.cat === 'wait' ? track.waits : track.steps).add(ts, end, event);
        break;
      case 'B':
        (event.cat === 'step' ? track.steps : track.waits).add(ts, Infinity, event);
        break;
      case 'E':
        if (event.cat === 'step' || !track.waits.end(ts)) track.steps.end(ts);
        break;
      case 'i':
        track.marks.push({ time: ts, event });
        break;
      case 's':
        this.#beginArrow(event, track);
        break;
      case 'f':
        this.#endArrow(event, track);
    }
    if (this.#sorted !== null && track.steps.length + track.waits.length + track.marks.length === 1)
      this.#sorted = null;
  }

  #extend(begin: number, end: number): void {
    this.begin = Math.min(this.begin, begin);
    this.end = Math.max(this.end, end);
  }

  #trackOf({ pid, tid }: TraceEvent): Track {
    const key = pid * MOST_TASKS_OF_A_LOOP + tid;
    const known = this.#tracks.get(key);
    if (known !== undefined) return known;
    const name = tid === 0 ? 'event loop' : `task ${tid}`;
    const lists = { steps: new Slices(), waits: new Slices(), marks: [] };
    const track: Track = { pid, tid, name, order: tid, parent: null, ...lists, begin: Infinity, end: -Infinity };
    this.#tracks.set(key, track);
    return track;
  }

  #describe(event: TraceEvent): void {
    const { name, sort_index: order, branch_of: parent } = event.args ?? {};
    if (event.name === 'process_name') {
      this.#processes.set(event.pid, shownText(name));
      return;
    }
    const track = this.#trackOf(event);
    if (event.name === 'thread_name') track.name = shownText(name);
    if (event.name === 'thread_sort_index' && typeof order === 'number') track.order = order;
    if (typeof parent === 'number' && track.parent === null) {
      track.parent = parent;
      const main = this.mainOf(track);
      this.#branches.set(main, [...(this.#branches.get(main) ?? []), track]);
    }
    this.#sorted = null;
  }

  #count({ name, ts, pid, args = {} }: TraceEvent): void {
    for (const [key, value] of Object.entries(args)) {
      if (typeof value !== 'number') continue;
      const title = shownText(key === 'value' || key === name ? name : `${name} ${key}`);
      const of = `${pid} ${title}`;
      const counter = this.counters.get(of) ?? { times: [], values: [], most: 0 };
      this.counters.set(of, counter);
      if (ts < (counter.times.at(-1) ?? -Infinity)) continue;
      counter.times.push(ts);
      counter.values.push(value);
      counter.most = Math.max(counter.most, value);
    }
  }

  #beginArrow(event: TraceEvent, from: Track): void {
    const arrow: Arrow = { kind: event.cat ?? event.name, from, begin: event.ts, to: null, end: event.ts };
    this.#openArrows.set(idOf(event), arrow);
    const at =
      arrow.begin >= (this.#arrowBegins.at(-1) ?? -Infinity)
        ? this.arrows.length
        : lowestIndex(this.#arrowBegins, 0, (begin) => begin > arrow.begin);
    this.arrows.splice(at, 0, arrow);
    this.#arrowBegins.splice(at, 0, arrow.begin);
  }

  #endArrow(event: TraceEvent, to: Track): void {
    const arrow = this.#openArrows.get(idOf(event));
    if (arrow === undefined) return; // its beginning did not fit into a flight recorder
    this.#openArrows.delete(idOf(event));
    arrow.to = to;
    arrow.end = event.ts;
    const arrivals = this.#arrivals.get(to) ?? [];
    this.#arrivals.set(to, arrivals);
    arrivals.splice(lowestArrivalAfter(arrivals, arrow.end), 0, arrow);
  }
}

/** The slices of a kind on a track. */
export function slicesOf(track: Track, kind: 'step' | 'wait'): Slices {
  return kind === 'step' ? track.steps : track.waits;
}

/** Where the time of an arrival comes first that is later than a moment. */
function lowestArrivalAfter(arrivals: readonly Arrow[], time: number): number {
  let low = 0;
  let high = arrivals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (arrivals[middle]!.end > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

function idOf({ cat, id, pid }: TraceEvent): string {
  return `${pid} ${cat} ${id}`;
}

/** Whether it can be placed. What a page appends need not come from this library. */
function isEvent(value: unknown): value is TraceEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { ph, ts, pid, tid, dur = 0 } = value as Partial<TraceEvent>;
  const isPlaced = Number.isInteger(pid) && Number.isInteger(tid) && Number.isFinite(dur);
  return typeof ph === 'string' && isPlaced && (ph === 'M' || Number.isFinite(ts));
}
