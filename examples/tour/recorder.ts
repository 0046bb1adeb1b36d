import { type EventLoop, getRunningLoop, type Instrument, type Task } from 'asyncio-ts';

/** What is known of a task: a line in the picture. Times are seconds since the recorder was made. */
export interface Lane {
  readonly label: string;
  readonly begin: number;
  /** When it ran: a task's life is steps, and waiting in between. */
  readonly steps: number[];
  /** `null` while it is not done. */
  end: number | null;
  /** How it has ended, unless in order. */
  outcome?: 'cancelled' | 'failed';
}

/** The tasks of one loop, the main one first. */
export interface Timeline {
  readonly title: string;
  readonly lanes: Lane[];
}

/** What happened, and where. */
export type Happening =
  | { readonly kind: 'begins' | 'ends'; readonly timeline: Timeline; readonly lane: Lane }
  | { readonly kind: 'prints'; readonly timeline: Timeline; readonly text: string };

/** Writes down which tasks of which loops run when. */
export class Recorder implements Instrument {
  readonly timelines: Timeline[] = [];
  readonly #byLoop = new WeakMap<EventLoop, Timeline>();
  readonly #byTask = new WeakMap<Task<unknown>, Lane>();
  readonly #listener: (happening: Happening) => void;
  readonly #clock: () => number;
  readonly #begin: number;

  /**
   * @param listener called for each event when it happens
   * @param clock gives the time in seconds
   */
  constructor(
    listener: (happening: Happening) => void = () => {},
    clock: () => number = () => performance.now() / 1_000,
  ) {
    this.#listener = listener;
    this.#clock = clock;
    this.#begin = clock();
  }

  /** Seconds since the recorder was made. */
  now(): number {
    return this.#clock() - this.#begin;
  }

  /** Opens a timeline; the function that it returns is called with the loop of the timeline. */
  open(title: string): (loop: EventLoop) => void {
    const timeline: Timeline = { title, lanes: [] };
    this.timelines.push(timeline);
    return (loop) => this.#byLoop.set(loop, timeline);
  }

  taskSpawned(task: Task<unknown>): void {
    const timeline = this.#byLoop.get(task.getLoop());
    // The tasks that come after the main task are those of the runner, for the clean-up.
    if (timeline === undefined || (timeline.lanes[0]?.end ?? null) !== null) return;
    const lane: Lane = { label: labelOf(task, timeline.lanes.length), begin: this.now(), steps: [], end: null };
    timeline.lanes.push(lane);
    this.#byTask.set(task, lane);
    this.#listener({ kind: 'begins', timeline, lane });
  }

  beforeStep(task: Task<unknown>): void {
    this.#byTask.get(task)?.steps.push(this.now());
  }

  taskFinished(task: Task<unknown>, failure: { readonly error: unknown } | null = null): void {
    const lane = this.#byTask.get(task);
    const timeline = this.#byLoop.get(task.getLoop());
    if (lane === undefined || timeline === undefined) return;
    lane.end = this.now();
    if (task.cancelled()) lane.outcome = 'cancelled';
    else if (failure !== null) lane.outcome = 'failed';
    this.#listener({ kind: 'ends', timeline, lane });
  }

  /** The program that runs now has printed something. */
  print(text: string): void {
    const timeline = this.#byLoop.get(getRunningLoop());
    if (timeline !== undefined) this.#listener({ kind: 'prints', timeline, text });
  }
}

/** A task's name if it was given one, otherwise that of its function, if it is known. */
function labelOf(task: Task<unknown>, index: number): string {
  const name = task.getName();
  if (!/^Task-\d+$/.test(name)) return name;
  if (index === 0) return 'main';
  const { name: functionName = '' } = task.getCoro() as { name?: string };
  return functionName === '' ? `task ${index}` : functionName;
}
