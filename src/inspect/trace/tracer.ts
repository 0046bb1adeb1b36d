import { titlesOf } from '../../internal/describe.ts';
import type { ExceptionContext, Instrument } from '../../kernel/index.ts';
import { type EventLoop, placeInDebugMode, readyCount, Task, waitsOfTask } from '../../kernel/lowlevel.ts';
import { EventClock, rounded } from './clock.ts';
import type { TraceArguments, TraceEvent } from './events.ts';
import { argumentsOf, cut, nameOfWait, objectOfWait, titlesOfTask } from './words.ts';

type AnyTask = Task<unknown>;

/** A loop in a trace. */
interface Process {
  readonly pid: number;
  readonly loop: EventLoop;
  readonly clock: EventClock;
  alive: number;
  toldAlive: number;
  toldReady: number;
}

/** Who has started, woken or cancelled a task, until the task runs. */
interface Cause {
  readonly kind: 'spawn' | 'wake' | 'cancel';
  readonly tid: number;
  readonly ts: number;
}

/** One wait at a time; a task whose branches wait side by side has several. */
interface Lane {
  readonly tid: number;
  on: object | null;
}

/** A task in a trace. */
interface TaskTrack {
  readonly process: Process;
  readonly tid: number;
  readonly step: string;
  readonly lanes: Lane[];
  /** -1 while it does not run. */
  stepBegan: number;
  /** Waits that were begun in the step that runs: they are told when it is over, because slices of a track must not overlap. */
  begun: { readonly lane: Lane; readonly name: string; readonly args: TraceArguments | null }[];
  causes: Cause[];
}

/** Options of a tracer. */
export interface TracerOptions {
  readonly write: (event: TraceEvent) => void;
  /** Called when an iteration of a loop is over. */
  readonly flush: () => void;
  /** Whether events say where in the program they come from. */
  readonly places: boolean;
  /** The clock of events, in seconds. That of each loop when absent. */
  readonly time?: () => number;
}

/** Turns what instruments are told into trace events. */
export class Tracer implements Instrument {
  readonly #write: (event: TraceEvent) => void;
  readonly #flush: () => void;
  readonly #places: boolean;
  readonly #time: (() => number) | null;
  readonly #processes = new WeakMap<object, Process>();
  readonly #tracks = new WeakMap<AnyTask, TaskTrack>();
  /** Those whose step runs: one, and those that started it eagerly. */
  readonly #running = new Set<TaskTrack>();
  #loops = 0;
  #tasks = 0;
  #arrows = 0;

  constructor({ write, flush, places, time }: TracerOptions) {
    this.#write = write;
    this.#flush = flush;
    this.#places = places;
    this.#time = time ?? null;
  }

  /** Begins with the tasks that a loop has already, and with what they wait for. */
  adopt(loop: EventLoop, tasks: Iterable<AnyTask>): void {
    const process = this.#processOf(loop);
    for (const task of tasks) {
      const track = this.#trackOf(task);
      process.alive++;
      for (const { on, place } of waitsOfTask(task)) if (on !== null) this.#beginWait(track, on, place);
    }
  }

  /** Tells of the steps that run now, as far as they have come. */
  end(): void {
    for (const track of this.#running) this.#endStep(track, this.#now(track.process));
  }

  // ------------------------------------------------------------------------------------------------- hooks

  taskSpawned(task: AnyTask, parent: AnyTask | null): void {
    const track = this.#trackOf(task, this.#places ? (placeInDebugMode() ?? null) : null);
    track.process.alive++;
    if (parent === null) return;
    const by = this.#trackOf(parent);
    if (by.process === track.process) track.causes.push({ kind: 'spawn', tid: by.tid, ts: this.#now(by.process) });
  }

  beforeStep(task: AnyTask): void {
    const track = this.#trackOf(task);
    if (track.stepBegan >= 0) return;
    track.stepBegan = this.#now(track.process);
    this.#running.add(track);
    this.#tellCauses(track, track.stepBegan);
  }

  afterStep(task: AnyTask): void {
    const track = this.#trackOf(task);
    if (track.stepBegan >= 0) this.#endStep(track, this.#now(track.process));
  }

  waitBegin(task: AnyTask, on: object): void {
    const place = this.#places ? (waitsOfTask(task).find((wait) => wait.on === on)?.place ?? null) : null;
    this.#beginWait(this.#trackOf(task), on, place);
  }

  waitEnd(task: AnyTask, on: object): void {
    const track = this.#trackOf(task);
    const lane = track.lanes.find((one) => one.on === on);
    if (lane === undefined) return; // it began before the tracing did
    lane.on = null;
    const deferred = track.begun.findIndex((one) => one.lane === lane);
    if (deferred >= 0) track.begun.splice(deferred, 1);
    else this.#event(track.process, 'E', lane.tid, this.#now(track.process), '', 'wait');
  }

  woken(awaiter: object, _on: object, by: AnyTask | null): void {
    if (by === null || !(awaiter instanceof Task)) return;
    this.#trackOf(awaiter).causes.push(this.#causeBy(by, 'wake'));
  }

  cancelRequested(task: AnyTask, by: AnyTask | null): void {
    if (by !== null && by !== task) this.#trackOf(task).causes.push(this.#causeBy(by, 'cancel'));
  }

  cancelDelivered(task: AnyTask): void {
    const { process, tid } = this.#trackOf(task);
    this.#instant(process, tid, 'cancel', 'cancellation delivered', null);
  }

  taskFinished(task: AnyTask, failure: { readonly error: unknown } | null): void {
    const track = this.#trackOf(task);
    track.process.alive--;
    const how = failure !== null ? `failed: ${titlesOf([failure.error])}` : task.cancelled() ? 'cancelled' : 'done';
    this.#instant(track.process, track.tid, 'end', how, failure === null ? null : { failed: true });
  }

  errorReported(loop: EventLoop, { message, exception }: ExceptionContext): void {
    const text = exception === undefined ? String(message) : `${message}: ${titlesOf([exception])}`;
    this.#instant(this.#processOf(loop), 0, 'error', cut(text), null);
  }

  iterationBegin(loop: object): void {
    this.#tellCounters(loop as EventLoop);
  }

  iterationEnd(loop: object): void {
    this.#tellCounters(loop as EventLoop);
    this.#flush();
  }

  // ------------------------------------------------------------------------------------------------- events

  #beginWait(track: TaskTrack, on: object, place: string | null): void {
    const lane = this.#freeLane(track);
    lane.on = on;
    const name = nameOfWait(on);
    const args = argumentsOf({ object: objectOfWait(on), place: place === null ? null : cut(place) });
    if (track.stepBegan >= 0) track.begun.push({ lane, name, args });
    else this.#event(track.process, 'B', lane.tid, this.#now(track.process), name, 'wait', args);
  }

  #endStep(track: TaskTrack, now: number): void {
    const { process, tid, stepBegan } = track;
    this.#running.delete(track);
    track.stepBegan = -1;
    const dur = rounded(now - stepBegan);
    this.#write({ ph: 'X', name: track.step, cat: 'step', pid: process.pid, tid, ts: stepBegan, dur });
    for (const { lane, name, args } of track.begun) this.#event(process, 'B', lane.tid, now, name, 'wait', args);
    track.begun = [];
  }

  #tellCauses(track: TaskTrack, now: number): void {
    if (track.causes.length === 0) return;
    const { pid } = track.process;
    for (const { kind, tid, ts } of track.causes) {
      const id = ++this.#arrows;
      this.#write({ ph: 's', name: kind, cat: kind, pid, tid, ts, id });
      this.#write({ ph: 'f', name: kind, cat: kind, pid, tid: track.tid, ts: now, id, bp: 'e' });
    }
    track.causes = [];
  }

  #causeBy(by: AnyTask, kind: Cause['kind']): Cause {
    const { process, tid } = this.#trackOf(by);
    return { kind, tid, ts: this.#now(process) };
  }

  #tellCounters(loop: EventLoop): void {
    const process = this.#processOf(loop);
    const ready = readyCount(loop);
    if (process.alive !== process.toldAlive) {
      process.toldAlive = process.alive;
      this.#event(process, 'C', 0, this.#now(process), 'tasks', null, { tasks: process.alive });
    }
    if (ready !== process.toldReady) {
      process.toldReady = ready;
      this.#event(process, 'C', 0, this.#now(process), 'ready', null, { ready });
    }
  }

  #instant(
    process: Process,
    tid: number,
    cat: 'end' | 'cancel' | 'error',
    name: string,
    args: TraceArguments | null,
  ): void {
    const event = { ph: 'i', name, cat, pid: process.pid, tid, ts: this.#now(process), s: 't' } as const;
    this.#write(args === null ? event : { ...event, args });
  }

  #event(
    { pid }: Process,
    ph: 'B' | 'E' | 'C',
    tid: number,
    ts: number,
    name: string,
    cat: 'wait' | null,
    args: TraceArguments | null = null,
  ): void {
    const event = cat === null ? { ph, name, pid, tid, ts } : { ph, name, cat, pid, tid, ts };
    this.#write(args === null ? event : { ...event, args });
  }

  // ------------------------------------------------------------------------------------------------- loops and tasks

  #now({ loop, clock }: Process): number {
    return clock.at(this.#time === null ? loop.time() : this.#time());
  }

  #processOf(loop: EventLoop): Process {
    const known = this.#processes.get(loop);
    if (known !== undefined) return known;
    const pid = ++this.#loops;
    const process: Process = { pid, loop, clock: new EventClock(), alive: 0, toldAlive: 0, toldReady: 0 };
    this.#processes.set(loop, process);
    this.#write({ ph: 'M', name: 'process_name', pid, tid: 0, ts: 0, args: { name: `event loop ${pid}` } });
    return process;
  }

  #trackOf(task: AnyTask, place: string | null = null): TaskTrack {
    const known = this.#tracks.get(task);
    if (known !== undefined) return known;
    const process = this.#processOf(task.getLoop());
    const tid = ++this.#tasks;
    const { title, step } = titlesOfTask(task);
    const lanes = [{ tid, on: null }];
    const track: TaskTrack = { process, tid, step, lanes, stepBegan: -1, begun: [], causes: [] };
    this.#tracks.set(task, track);
    this.#describe(process, tid, title, place === null ? {} : { spawned: cut(place) });
    return track;
  }

  #freeLane(track: TaskTrack): Lane {
    const free = track.lanes.find(({ on }) => on === null);
    if (free !== undefined) return free;
    const lane: Lane = { tid: ++this.#tasks, on: null };
    track.lanes.push(lane);
    const { process, tid, step } = track;
    this.#describe(process, lane.tid, `branch ${track.lanes.length} of ${step}`, { branch_of: tid });
    this.#write({
      ...{ ph: 'M', name: 'thread_sort_index', pid: process.pid, tid: lane.tid, ts: 0 },
      args: { sort_index: tid },
    });
    return lane;
  }

  #describe({ pid }: Process, tid: number, name: string, more: TraceArguments): void {
    this.#write({ ph: 'M', name: 'thread_name', pid, tid, ts: 0, args: { name: cut(name), ...more } });
  }
}
