import { addInstrument, type EventLoop, type Instrument, Task } from 'asyncio-ts';
import { type WaitView, waitsOfTask } from '../../../src/kernel/lowlevel.ts';
import type { TraceEvent } from './trace-events.ts';

/** More than this is not drawn: explored schedules run a program thousands of times. */
const MOST_EVENTS = 20_000;

/** Tasks that a runner makes to clean up, which a program knows nothing of. */
const CLEAN_UP = new Set(['shutdownAsyncgens', 'shutdownDefaultExecutor']);

/** What is known of a task. */
interface Track {
  readonly pid: number;
  readonly tid: number;
  /** What it waits for, `null` while it does not. */
  waiting: string | null;
}

/** Records which tasks run and wait when, as trace events on the clock of their loops. */
export class Recording implements Instrument {
  readonly #tracks = new WeakMap<object, Track>();
  readonly #loops = new WeakMap<EventLoop, number>();
  #loopCount = 0;
  #taskCount = 0;
  #count = 0;
  #dropped = 0;
  #events: TraceEvent[] = [];

  /** Begins to record; returns what ends that. */
  start(): () => void {
    return addInstrument(this);
  }

  /** What has been recorded since the last call. */
  take(): { readonly events: readonly TraceEvent[]; readonly dropped: number } {
    const events = this.#events;
    this.#events = [];
    return { events, dropped: this.#dropped };
  }

  taskSpawned(task: Task<unknown>): void {
    this.#track(task);
  }

  beforeStep(task: Task<unknown>): void {
    const track = this.#track(task);
    if (track !== null) this.#endWait(task, track);
  }

  afterStep(task: Task<unknown>): void {
    const track = this.#track(task);
    if (track === null) return;
    this.#add({ ph: 'X', name: 'step', cat: 'step', ...idsOf(track), ts: timeOf(task), dur: 0 });
    if (task.done()) return;
    const [wait] = waitsOfTask(task);
    if (wait === undefined) return;
    track.waiting = operationOf(wait);
    this.#add({ ph: 'B', name: track.waiting, cat: 'wait', ...idsOf(track), ts: timeOf(task) });
  }

  taskFinished(task: Task<unknown>, failure: { readonly error: unknown } | null): void {
    const track = this.#track(task);
    if (track === null) return;
    this.#endWait(task, track);
    const name = task.cancelled() ? 'cancelled' : failure !== null ? 'failed' : 'done';
    const args = failure === null ? {} : { args: { error: String(failure.error) } };
    this.#add({ ph: 'i', name, cat: 'end', ...idsOf(track), ts: timeOf(task), ...args });
  }

  #endWait(task: Task<unknown>, track: Track): void {
    if (track.waiting === null) return;
    this.#add({ ph: 'E', name: track.waiting, cat: 'wait', ...idsOf(track), ts: timeOf(task) });
    track.waiting = null;
  }

  #track(task: Task<unknown>): Track | null {
    const known = this.#tracks.get(task);
    if (known !== undefined) return known;
    if (CLEAN_UP.has(functionOf(task))) return null;
    const loop = task.getLoop();
    const isFirst = !this.#loops.has(loop);
    const pid = this.#loops.get(loop) ?? ++this.#loopCount;
    this.#loops.set(loop, pid);
    const track: Track = { pid, tid: ++this.#taskCount, waiting: null };
    this.#tracks.set(task, track);
    this.#add({
      ph: 'M',
      name: 'thread_name',
      ...idsOf(track),
      ts: timeOf(task),
      args: { name: nameOf(task, isFirst) },
    });
    return track;
  }

  #add(event: TraceEvent): void {
    if (this.#count >= MOST_EVENTS) {
      this.#dropped++;
      return;
    }
    this.#count++;
    this.#events.push(event);
  }
}

const idsOf = ({ pid, tid }: Track) => ({ pid, tid });

const timeOf = (task: Task<unknown>): number => Math.round(task.getLoop().time() * 1e6);

/** What a task waits for, in a word or two. */
function operationOf({ on, purpose, isForeign }: WaitView): string {
  if (purpose !== null) return purpose.operation;
  if (on instanceof Task) return `task ${nameOf(on, false)}`;
  return isForeign ? 'promise' : 'wait';
}

/** The name that the program gave, otherwise with that of its function. */
function nameOf(task: Task<unknown>, isFirst: boolean): string {
  const name = task.getName();
  if (!/^Task-\d+$/.test(name)) return name;
  if (isFirst) return 'main';
  const own = functionOf(task);
  return own === '' ? name : `${own} (${name})`;
}

function functionOf(task: Task<unknown>): string {
  const { name } = task.getCoro() as { name?: unknown };
  return typeof name === 'string' ? name : '';
}
