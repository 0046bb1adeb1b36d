import type { Task, TaskViews } from '../kernel/lowlevel.ts';
import type { EndsBy } from './circles.ts';

/** What one wait of a task is for, as plain data. */
export interface WaitSnapshot {
  /** Such as `acquire`, `get`, `sleep`; `task` for another task, `promise` for a promise that is not of this library. */
  readonly operation: string;
  /** The lock, queue, task … that is waited for, described in one line; `null` when there is none. */
  readonly object: string | null;
  /** The class of the object, such as `Lock`; `null` when there is none. */
  readonly kind: string | null;
  /** The number of what is waited for, where tasks may be what it stands for: to be found again in their `awaiters`. */
  readonly on: number | null;
  /**
   * The numbers of tasks whose progress would end the wait: of those that hold the object, or are awaited. The first 100; the others are in
   * `needs` of later pages.
   */
  readonly needs: readonly number[];
  /** Whether `all` of these tasks are needed, `any` of them is enough, or `others` may end the wait as well. */
  readonly endsBy: EndsBy;
  /** Where it waits, as `file:line:column`; `null` when places are not recorded. */
  readonly place: string | null;
  /** Whether the outside world ends it. */
  readonly isForeign: boolean;
}

/** What was counted of a task since counting began. */
export interface TaskCounts {
  readonly steps: number;
  /** Seconds for which its code ran. */
  readonly running: number;
  /** Seconds since its last step, or since counting began where it has made none. */
  readonly still: number;
}

/** A function or coroutine on the stack of a task. */
export interface FrameSnapshot {
  /** The name of the function; empty where it is not known, as for a generator object that the task was not given the function of. */
  readonly name: string;
  readonly kind: 'function' | 'generator' | 'coroutine';
  /** It begins another branch of the task, as under `Promise.all`, and was not called by the frame before it; absent otherwise. */
  readonly isBeside?: true;
}

/** A task that is not done, as plain data. */
export interface TaskSnapshot {
  /** The number that this task has as long as one lens looks at it. */
  readonly id: number;
  readonly name: string;
  readonly state: 'scheduled' | 'waiting' | 'detached' | 'running' | 'unknown';
  /** How many requests for its cancellation there are. */
  readonly cancelling: number;
  /**
   * What it runs, the outermost first, as far as it is known, with the coroutines that its async functions await. Of very many branches only
   * the first 100.
   */
  readonly frames: readonly FrameSnapshot[];
  readonly waits: readonly WaitSnapshot[];
  /**
   * The numbers of the futures, such as those of `gather`, through which tasks wait for it, also of those inside each other: `on` of their
   * waits. Tasks that wait for it directly have its own number there.
   */
  readonly awaiters: readonly number[];
  /** `null` while nothing counts. */
  readonly counts: TaskCounts | null;
}

/** Some of the tasks. */
export interface TaskPage {
  readonly tasks: readonly TaskSnapshot[];
  /** More numbers for `needs` of waits that were told before: of tasks that wait for very many. */
  readonly needs: readonly { readonly task: number; readonly on: number; readonly needs: readonly number[] }[];
  /** Where the next page begins; `null` after the last one. */
  readonly next: number | null;
  /** How many tasks there were when the first page was taken. */
  readonly total: number;
}

/** Which tasks a page has. */
export interface PageOptions {
  /** At most so many; 500 when absent. */
  readonly limit?: number;
  /** A page ends after so many seconds, with fewer tasks; without a bound when absent. */
  readonly seconds?: number;
}

/** Looks at the tasks of a process, from inside. */
export interface Lens {
  /** Takes the list of tasks that the pages are of; returns how many there are. */
  begin(): number;
  /** @param from `next` of the page before, 0 for the first one; how many there are for nothing but the `needs` of those that were told */
  page(from: number, options?: PageOptions): TaskPage;
  /** The generator objects of the last page: one for each frame of that kind, in their order. */
  generators(): readonly object[];
  /** A task of the list, while it is alive. */
  find(id: number): Task<unknown> | null;
  /** Begins to count steps and their time; returns what ends it. */
  count(): () => void;
  /** Forgets the list. */
  end(): void;
}

/** Of a copy of the library: its views. */
export interface LensCopy {
  readonly views: TaskViews;
}

/**
 * Makes a lens. Everything that this function needs is inside of it, or reached through its argument: a tool sends its source text to the
 * process that it looks at.
 *
 * @param copies the copies of the library in the process
 */
export function makeLens(copies: readonly LensCopy[]): Lens {
  const LONGEST_TEXT = 400;
  const FIRST_NEEDS = 100;
  const MOST_AWAITERS = 1_000;
  const MOST_BRANCHES = 100;
  const IDS_IN_MAP = 16_384;
  interface Counted {
    steps: number;
    running: number;
    began: number;
    ended: number | null;
  }
  type AnyTask = Task<unknown>;
  // Several small maps: one for 100,000 tasks would stop the program for 15 ms when it grows.
  const ids = [new WeakMap<object, number>()];
  let lastId = 0;
  /** Of each copy its tasks, the newest first, and how many tasks the copies before it have. */
  let lists: { readonly views: TaskViews; readonly tasks: readonly AnyTask[]; readonly start: number }[] = [];
  let total = 0;
  let left: { readonly task: number; readonly on: number; readonly rest: Generator<number> }[] = [];
  let generators: object[] = [];
  let counted: WeakMap<object, Counted> | null = null;
  let countedFrom = 0;
  const now = (): number => copies[0]!.views.now();
  const cut = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);

  function knownId(object: object): number | undefined {
    for (const map of ids) {
      const id = map.get(object);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  function idOf(object: object): number {
    const known = knownId(object);
    if (known !== undefined) return known;
    if (++lastId % IDS_IN_MAP === 0) ids.push(new WeakMap());
    ids.at(-1)!.set(object, lastId);
    return lastId;
  }

  function isTask(value: unknown): value is AnyTask {
    return typeof value === 'object' && value !== null && 'getCoro' in value && 'getName' in value;
  }

  /** Whoever would end the wait. */
  function* needed({ on, purpose }: ReturnType<TaskViews['waitsOf']>[number]): Generator<number> {
    const seen = new Set<object>();
    const candidates: Iterable<unknown>[] = [[on, purpose?.object], purpose?.holders ?? [], purpose?.parts ?? []];
    for (const some of candidates) {
      for (const one of some) {
        if (!isTask(one) || seen.has(one) || one.done()) continue;
        seen.add(one);
        yield idOf(one);
      }
    }
  }

  function take(from: Generator<number>, most: number, until: number): number[] {
    const taken: number[] = [];
    while (taken.length < most) {
      if ((taken.length & 63) === 63 && now() > until) break;
      const { done, value } = from.next();
      if (done === true) break;
      taken.push(value);
    }
    return taken;
  }

  function waitOf(id: number, record: ReturnType<TaskViews['waitsOf']>[number], views: TaskViews): WaitSnapshot {
    const { on, purpose, place, isForeign } = record;
    const nothing = { object: null, kind: null, on: null, needs: [], endsBy: 'all' as const, place };
    if (on === null || purpose?.operation === 'promise') return { ...nothing, operation: 'promise', isForeign: true };
    if (isTask(on)) {
      const name = cut(on.getName());
      const needs = [idOf(on)];
      return { ...nothing, operation: 'task', object: name, kind: 'Task', on: idOf(on), needs, isForeign };
    }
    const object: unknown = purpose === null ? on : purpose.object;
    // Most waits are of this kind, and need no number.
    const isFuture = typeof object === 'object' && object !== null && 'addDoneCallback' in object;
    const isLeaf = purpose !== null && purpose.parts === undefined && purpose.holders === undefined && !isFuture;
    const rest = needed(record);
    const needs = take(rest, FIRST_NEEDS, Number.POSITIVE_INFINITY);
    if (needs.length === FIRST_NEEDS) left.push({ task: id, on: idOf(on), rest });
    const kind: unknown = object === null ? null : (object as { constructor?: { name?: unknown } }).constructor?.name;
    return {
      operation: purpose?.operation ?? 'result',
      object: object === null ? null : cut(isTask(object) ? object.getName() : views.describe(object)),
      kind: typeof kind === 'string' ? kind : null,
      on: isLeaf ? null : idOf(on),
      needs,
      endsBy: endsBy(record),
      place,
      isForeign,
    };
  }

  function endsBy({ purpose }: ReturnType<TaskViews['waitsOf']>[number]): EndsBy {
    // One unit, or the end of one task, is enough.
    if (purpose === null || !['acquire', 'next', 'wait'].includes(purpose.operation)) return 'all';
    const { isCounter = false } = (purpose.object ?? {}) as { readonly isCounter?: boolean };
    if (isCounter) return 'others';
    for (const part of purpose.parts ?? []) if (!isTask(part) && !part.done()) return 'others';
    return 'any';
  }

  /**
   * What the task runs, and the coroutines inside it that the kernel knows. Those of the library itself are left out, because what the task
   * waits for names them already.
   */
  function framesOf(task: AnyTask, views: TaskViews): FrameSnapshot[] {
    const all = views.stacksOf(task);
    const [own, ...awaits] = all;
    // Nobody knows which async function awaits a stack. So stacks can be joined only where there is one line of execution.
    const isOneLine = all.filter(({ isFollowing }) => !isFollowing).length < 2;
    const root: object = task.getCoro();
    const bodies: object[] = [];
    const frames = callsOf([root, ...(own?.frames ?? []).filter((frame) => frame !== root)], root, bodies);
    let isFirst = own?.isFollowing === true;
    // A stack that follows an async function is outside of those that wait in it, so it is shown before them.
    const outer = awaits.filter(({ isFollowing }) => isFollowing);
    const inner = awaits.filter(({ isFollowing }) => !isFollowing);
    // A single line is never cut, however deep it is: the frame at its end is where the task waits.
    const most = isOneLine ? all.length : MOST_BRANCHES;
    for (const stack of [...outer.reverse().slice(0, most), ...inner.reverse().slice(0, most)]) {
      const [first, ...others] = callsOf(stack.frames, null, bodies);
      if (first === undefined) continue;
      frames.push(isFirst || isOneLine ? first : { ...first, isBeside: true }, ...others);
      isFirst = false;
    }
    // At the end, because a task whose frames cannot be read (something above has thrown) must have no generators either.
    generators.push(...bodies);
    return frames;
  }

  /**
   * The calls of one stack, the outermost first. A generator and the function or `coroutine()` object that has made it are one call.
   *
   * @param bodies gets the generators
   */
  function callsOf(stack: readonly object[], root: object | null, bodies: object[]): FrameSnapshot[] {
    const objects = stack.filter((frame) => frame === root || !('calledAs' in frame));
    const calls: FrameSnapshot[] = [];
    for (let at = 0; at < objects.length; at++) {
      const object = objects[at]!;
      const body = objects[at + 1];
      if (body !== undefined && isCalled(object, body)) {
        calls.push({ name: nameOf(object), kind: 'generator' });
        bodies.push(body);
        at++;
      } else {
        const call = frameOf(object);
        calls.push(call);
        if (call.kind === 'generator') bodies.push(object);
      }
    }
    return calls;
  }

  /** Whether a frame was made by a call of this function, or by an await of this object of a `coroutine()` function. */
  function isCalled(called: object, body: object): boolean {
    if (typeof called === 'function') return isCallOf(body, called);
    return 'close' in called && 'name' in called;
  }

  /** Whether a generator was made by a call of this function. Generators inherit from the `prototype` of theirs, which is nobody else's. */
  function isCallOf(generator: object, { prototype }: { readonly prototype?: unknown }): boolean {
    return typeof prototype === 'object' && prototype !== null && Object.getPrototypeOf(generator) === prototype;
  }

  function frameOf(frame: object): FrameSnapshot {
    const name = nameOf(frame);
    if (typeof frame === 'function') return { name, kind: 'function' };
    // A coroutine of the library has no name in a minified program, but it is still none of the program's generators.
    return { name, kind: name === '' && !('calledAs' in frame) ? 'generator' : 'coroutine' };
  }

  /** The name of what was called. Coroutines of this library have it in `calledAs`; functions and `coroutine()` objects in `name`. */
  function nameOf(frame: object): string {
    const { calledAs, name } = frame as { readonly calledAs?: unknown; readonly name?: unknown };
    const known = calledAs ?? name;
    return typeof known === 'string' ? cut(known) : '';
  }

  function countsOf(task: AnyTask): TaskCounts | null {
    if (counted === null) return null;
    const own = counted.get(task);
    return { steps: own?.steps ?? 0, running: own?.running ?? 0, still: now() - (own?.ended ?? countedFrom) };
  }

  function awaitersOf(task: AnyTask, views: TaskViews): number[] {
    const found = new Set<object>();
    const add = (future: object): void => {
      for (const awaiter of views.waitersOf(future))
        if (!isTask(awaiter) && found.size < MOST_AWAITERS) found.add(awaiter);
    };
    add(task);
    // A `gather` may wait for a `shield`, and so on: a set goes on with what is added to it.
    for (const awaiter of found) add(awaiter);
    return [...found].map(idOf);
  }

  /** A part that fails, because of what the program's own objects do when they are described, leaves the others whole. */
  function attempt<T>(otherwise: T, part: () => T): T {
    try {
      return part();
    } catch {
      return otherwise;
    }
  }

  function snapshotOf(task: AnyTask, views: TaskViews): TaskSnapshot {
    return {
      id: idOf(task),
      name: attempt('?', () => cut(task.getName())),
      state: attempt('unknown' as TaskSnapshot['state'], () => views.stateOf(task)),
      cancelling: attempt(0, () => task.cancelling()),
      frames: attempt([], () => framesOf(task, views)),
      waits: attempt([], () => views.waitsOf(task).map((wait) => waitOf(idOf(task), wait, views))),
      awaiters: attempt([], () => awaitersOf(task, views)),
      counts: countsOf(task),
    };
  }

  function find(id: number): AnyTask | null {
    for (const { tasks } of lists) {
      const task = tasks.find((one) => knownId(one) === id);
      if (task !== undefined && !task.done()) return task;
    }
    return null;
  }

  return {
    begin() {
      lists = [];
      left = [];
      total = 0;
      for (const { views } of copies) {
        const tasks = [...views.tasks()];
        lists.push({ views, tasks, start: total });
        total += tasks.length;
      }
      return total;
    },
    page(from, { limit = 500, seconds = Number.POSITIVE_INFINITY } = {}) {
      const until = now() + seconds;
      const tasks: TaskSnapshot[] = [];
      const needs: { task: number; on: number; needs: number[] }[] = [];
      generators = [];
      let at = from;
      for (; at < total && tasks.length < limit; at++) {
        if (at > from && (at & 7) === 7 && now() > until) break;
        const { views, tasks: all, start } = lists.findLast((list) => list.start <= at)!;
        // Readers expect what was made first in front.
        const task = all[all.length - 1 - (at - start)]!;
        if (!task.done()) tasks.push(snapshotOf(task, views));
      }
      // After the last task: what some of them need besides.
      for (let isTime = at >= total && tasks.length === 0; isTime && left.length > 0; isTime = now() < until) {
        const { task, on, rest } = left[0]!;
        const more = take(rest, limit * 10, until);
        needs.push({ task, on, needs: more });
        if (more.length === 0) left.shift();
      }
      return { tasks, needs, next: at < total || left.length > 0 ? at : null, total };
    },
    generators: () => generators,
    find,
    count() {
      const counts = new WeakMap<object, Counted>();
      counted = counts;
      countedFrom = now();
      const of = (task: object): Counted => {
        let own = counts.get(task);
        if (own === undefined) {
          own = { steps: 0, running: 0, began: Number.NaN, ended: null };
          counts.set(task, own);
        }
        return own;
      };
      const instrument = {
        beforeStep(task: AnyTask): void {
          of(task).began = now();
        },
        afterStep(task: AnyTask): void {
          const own = of(task);
          const end = now();
          own.steps++;
          if (!Number.isNaN(own.began)) own.running += end - own.began; // counting may have begun in the middle of a step
          own.ended = end;
        },
      };
      const removals = copies.map(({ views }) => views.addInstrument(instrument));
      return () => {
        if (counted === counts) counted = null;
        for (const remove of removals) remove();
      };
    },
    end() {
      lists = [];
      left = [];
      total = 0;
      generators = [];
    },
  };
}
