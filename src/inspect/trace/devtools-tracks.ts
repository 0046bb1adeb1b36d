import { checkOptions } from '../../internal/options.ts';
import { addInstrument, allTasks } from '../../kernel/index.ts';
import { type DevtoolsConsole, devtoolsConsole, realTime, runningLoop, wrapSteps } from '../../kernel/lowlevel.ts';
import type { TraceEvent } from './events.ts';
import { Tracer } from './tracer.ts';
import { titlesOfTask } from './words.ts';

/** Options of `startDevtoolsTracks`. */
export interface DevtoolsTracksOptions {
  /** The title above the tracks of the tasks. Default: `asyncio-ts`. */
  readonly group?: string;
}

/**
 * Shows tasks in the performance panel of Chrome's developer tools while it records, in a page and under `node --inspect`: a track for each task
 * with its steps and waits, in real time, also of loops with a simulated clock. The stacks of generator coroutines in the debugger go on at the
 * line that made their task. Nothing happens where the console has no custom tracks, as in other browsers.
 *
 * @returns what ends it
 * @throws {TypeError} when an option is unknown
 * @example
 * const stop = startDevtoolsTracks();
 * await createTask(main); // while the panel records
 * stop();
 */
export function startDevtoolsTracks(options: DevtoolsTracksOptions = {}): () => void {
  checkOptions('startDevtoolsTracks', options, ['group']);
  const console = devtoolsConsole();
  const removals: (() => void)[] = [];
  if (console.timeStamp !== undefined) {
    const tracks = new Tracks(console, options.group ?? 'asyncio-ts');
    const tracer = new Tracer({
      write: (event) => tracks.show(event),
      flush: () => {},
      places: false,
      time: realTime,
    });
    const loop = runningLoop();
    if (loop !== null) tracer.adopt(loop, allTasks(loop));
    removals.push(addInstrument(tracer), () => tracer.end());
  }
  if (console.createTask !== undefined) removals.push(joinStacks((name) => console.createTask!(name)));
  return () => {
    for (const remove of removals.splice(0)) remove();
  };
}

/** Trace events as entries of custom tracks. */
class Tracks {
  readonly #console: DevtoolsConsole;
  readonly #group: string;
  readonly #names = new Map<number, string>();
  readonly #taken = new Set<string>();
  /** The wait of each track. */
  readonly #waits = new Map<number, TraceEvent>();

  constructor(console: DevtoolsConsole, group: string) {
    this.#console = console;
    this.#group = group;
  }

  show(event: TraceEvent): void {
    const { ph, tid, ts, name, args } = event;
    if (ph === 'M' && name === 'thread_name') this.#name(tid, String(args?.['name']));
    else if (ph === 'X') this.#entry(name, ts, ts + (event.dur ?? 0), tid, 'primary');
    else if (ph === 'B') this.#waits.set(tid, event);
    else if (ph === 'E') this.#endWait(tid, ts);
    else if (ph === 'i')
      this.#entry(name, ts, ts, tid, event.cat === 'end' && args === undefined ? 'tertiary' : 'error');
  }

  /** Tracks of one name would be one track. */
  #name(tid: number, title: string): void {
    const name = this.#taken.has(title) ? `${title} #${tid}` : title;
    this.#taken.add(name);
    this.#names.set(tid, name);
  }

  #endWait(tid: number, end: number): void {
    const wait = this.#waits.get(tid);
    if (wait === undefined) return;
    this.#waits.delete(tid);
    this.#entry(wait.name, wait.ts, end, tid, 'secondary-light');
  }

  /** In microseconds; the console wants milliseconds of the page's clock. */
  #entry(label: string, start: number, end: number, tid: number, color: string): void {
    const track = this.#names.get(tid) ?? 'event loop';
    this.#console.timeStamp?.(label, start / 1_000, end / 1_000, track, this.#group, color);
  }
}

/** Has the debugger show, below the frames of a generator coroutine, the stack of whoever made its task. */
function joinStacks(createTask: NonNullable<DevtoolsConsole['createTask']>): () => void {
  const runs = new WeakMap<object, (step: () => void) => unknown>();
  const remove = addInstrument({
    taskSpawned(task) {
      const made = createTask(titlesOfTask(task).title || 'task');
      runs.set(task, (step) => made.run(step));
    },
  });
  const unwrap = wrapSteps((task, step) => {
    const run = runs.get(task);
    if (run === undefined) step();
    else run(step);
  });
  return () => {
    remove();
    unwrap();
  };
}
