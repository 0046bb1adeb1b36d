import {
  coroutine,
  createTask,
  Event,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import { captureTasks, joinPages, type TaskSnapshot, taskPages } from 'asyncio-ts/inspect';
import { describe, expect, test } from 'vitest';
import { makeLens } from '../../../src/inspect/lens.ts';
import { viewsOfThisCopy } from '../../../src/kernel/lowlevel.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

const find = (tasks: readonly TaskSnapshot[], name: string): TaskSnapshot => tasks.find((task) => task.name === name)!;

/** Other test files of the same process leave tasks behind in loops of their own. */
function viewsOfThisLoop() {
  const loop = getRunningLoop();
  const views = viewsOfThisCopy();
  return { ...views, tasks: () => [...views.tasks()].filter((task) => task.getLoop() === loop) };
}

test('a task that was given a generator function has one frame for its call, with its name', async () => {
  await runVirtually(async () => {
    const ship = function* ship() {
      yield* sleep(100);
    };
    const task = createTask(ship, { name: 'A1' });
    await sleep(1);
    const [frame, ...others] = find(captureTasks({ loop: getRunningLoop() }), 'A1').frames;
    expect(frame).toEqual({ name: 'ship', kind: 'generator' });
    expect(others.map(({ kind }) => kind)).not.toContain('generator');
    task.cancel();
  });
});

describe('the frames of a task have the coroutines that its async functions await', () => {
  const load = coroutine(function* load(_what: number) {
    yield* sleep(100);
  });
  const fetchAll = coroutine(async function fetchAll(what: number) {
    await load(what);
  });
  async function plainly(what: number) {
    await load(what);
  }
  const g = (name: string, isBeside = false) => ({ name, kind: 'generator', ...(isBeside ? { isBeside } : {}) });
  const f = (name: string) => ({ name, kind: 'function' });

  /** The frames of a task that runs a function. For each one that is a generator the inspector is asked about an object. */
  async function framesOf(fn: () => Iterable<unknown> | PromiseLike<unknown>): Promise<readonly object[]> {
    const { result } = await runVirtually(async () => {
      const task = createTask(fn as () => Promise<unknown>, { name: 'looked at' });
      await sleep(1);
      const lens = makeLens([{ views: viewsOfThisLoop() }]);
      lens.begin();
      const { tasks } = lens.page(0);
      const generators = tasks.flatMap(({ frames }) => frames.filter(({ kind }) => kind === 'generator'));
      expect(lens.generators()).toHaveLength(generators.length);
      task.cancel();
      return find(tasks, 'looked at').frames;
    });
    return result;
  }

  test('an async function that awaits a generator', async () => {
    expect(
      await framesOf(async function main() {
        await load(1);
      }),
    ).toEqual([f('main'), g('load')]);
  });

  test('through an async function that is called without the library', async () => {
    expect(
      await framesOf(async function main() {
        await plainly(1);
      }),
    ).toEqual([f('main'), g('load')]);
  });

  test('a generator that awaits an async function that awaits a generator', async () => {
    expect(
      await framesOf(function* main() {
        yield* fetchAll(1);
      }),
    ).toEqual([g('main'), g('load')]);
  });

  test('an async function that awaits an async function that awaits a generator', async () => {
    expect(
      await framesOf(async function main() {
        await fetchAll(1);
      }),
    ).toEqual([f('main'), { name: 'fetchAll', kind: 'coroutine' }, g('load')]);
  });

  test('branches under Promise.all are side by side', async () => {
    expect(
      await framesOf(async function main() {
        await Promise.all([plainly(1), load(2)]);
      }),
    ).toEqual([f('main'), g('load'), g('load', true)]);
  });

  test('which branch awaits which function is not told, because it is not known', async () => {
    expect(
      await framesOf(async function main() {
        await Promise.all([fetchAll(1), load(2)]);
      }),
    ).toEqual([f('main'), { name: 'fetchAll', kind: 'coroutine' }, g('load', true), g('load', true)]);
  });

  test('a function that a generator has called and does not await is beside it', async () => {
    expect(
      await framesOf(function* main() {
        void plainly(1);
        yield* sleep(100);
      }),
    ).toEqual([g('main'), g('load', true)]);
  });

  test('a deadline is no frame, in both spellings', async () => {
    expect(
      await framesOf(async function main() {
        await timeout(100, () => load(1));
      }),
    ).toEqual([f('main'), g('load')]);
    expect(
      await framesOf(function* main() {
        yield* timeout(100, () => load(1));
      }),
    ).toEqual([g('main'), g('load')]);
  });

  test('what gather runs has its own task', async () => {
    expect(
      await framesOf(async function main() {
        await gather([load(1), load(2)]);
      }),
    ).toEqual([f('main')]);
  });

  test('what a task waits for is no frame, but what it was made of is', async () => {
    expect(
      await framesOf(async function main() {
        await sleep(100);
      }),
    ).toEqual([f('main')]);
    expect(await framesOf(() => load(1))).toEqual([f(''), g('load')]);
  });

  test('a coroutine of the library without a name, as in a minified program, is not taken for a generator of the program', async () => {
    const { result } = await runVirtually(async () => {
      const unnamed = Object.defineProperty(sleep(100), 'calledAs', { value: '' });
      const task = createTask(unnamed, { name: 'looked at' });
      await sleep(1);
      const seen = captureTasks({ loop: getRunningLoop() });
      task.cancel();
      return find(seen, 'looked at').frames;
    });
    expect(result).toEqual([{ name: '', kind: 'coroutine' }]);
  });

  test('a coroutine that throws when it is looked at leaves its task without frames, and without generators', async () => {
    const fn = function* () {
      yield* sleep(100);
    };
    const broken = coroutine(fn);
    Object.defineProperty(fn, 'name', {
      get() {
        throw new Error('no');
      },
    });
    const frames = await framesOf(async function main() {
      await Promise.all([load(1), broken()]);
    });
    expect(frames).toEqual([]);
  });

  test('a single line is shown to its end, however deep', async () => {
    const descend: (depth: number) => PromiseLike<void> = coroutine(async (depth: number) => {
      await (depth === 0 ? load(1) : descend(depth - 1));
    });
    const frames = await framesOf(async function main() {
      await descend(500);
    });
    expect([frames.length, frames.at(-1)]).toEqual([503, g('load')]);
  });

  test('of very many branches only the first ones are shown', async () => {
    const frames = await framesOf(async function main() {
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => load(i)));
    });
    expect(frames).toHaveLength(101);
  });
});

describeBoth('a snapshot of the tasks', (s) => {
  const idle = () =>
    s.fn(function* () {
      yield* s.wait(sleep(100));
    });

  /** Looks at the tasks of a program that has made some, after a second, and ends it. */
  async function look(begin: () => Task<unknown>[]): Promise<TaskSnapshot[]> {
    const { result } = await runVirtually(
      s.fn(function* () {
        const tasks = begin();
        yield* s.wait(sleep(1));
        const seen = captureTasks({ loop: getRunningLoop() });
        for (const task of tasks) task.cancel();
        yield* s.wait(gather(tasks, { returnExceptions: true }));
        return seen;
      }),
      { name: 'main' },
    );
    return result;
  }

  test('has what was made first in front, each task with its state', async () => {
    const tasks = await look(() => [createTask(idle(), { name: 'a' }), createTask(idle(), { name: 'b' })]);
    expect(tasks.map(({ name, state }) => [name, state])).toEqual([
      ['main', 'running'],
      ['a', 'waiting'],
      ['b', 'waiting'],
    ]);
    expect(find(tasks, 'a').waits).toMatchObject([{ operation: 'sleep', object: null, needs: [], isForeign: false }]);
  });

  test('names the holder of a lock that a task waits for', async () => {
    const lock = new Lock();
    const hold = s.fn(function* () {
      yield* s.wait(lock.acquire());
      yield* s.wait(sleep(100));
    });
    const tasks = await look(() => [createTask(hold, { name: 'a' }), createTask(hold, { name: 'b' })]);
    expect(find(tasks, 'b').waits).toMatchObject([
      { operation: 'acquire', kind: 'Lock', object: '<Lock [locked, waiters:1]>', needs: [find(tasks, 'a').id] },
    ]);
  });

  test('tells a promise that is not of this library', async () => {
    const tasks = await look(() => [
      createTask(
        s.fn(function* () {
          yield* s.wait(wrapPromise(new Promise(() => {})));
        }),
        { name: 'a' },
      ),
    ]);
    expect(find(tasks, 'a').waits).toMatchObject([{ operation: 'promise', isForeign: true }]);
  });

  test('counts requests for a cancellation that was not obeyed yet', async () => {
    const stubborn = s.fn(function* () {
      try {
        yield* s.wait(sleep(100));
      } catch {
        yield* s.wait(sleep(100));
      }
    });
    const { result } = await runVirtually(
      s.fn(function* () {
        const task = createTask(stubborn, { name: 'a' });
        yield* s.wait(sleep(1));
        task.cancel();
        yield* s.wait(sleep(1));
        const seen = captureTasks({ loop: getRunningLoop() });
        task.cancel();
        return seen;
      }),
    );
    expect(find(result, 'a')).toMatchObject({ cancelling: 1, state: 'waiting' });
  });

  test('is cut where names are very long', async () => {
    const tasks = await look(() => [createTask(idle(), { name: 'x'.repeat(10_000) })]);
    expect(tasks.at(-1)!.name.length).toBeLessThan(500);
  });

  test('stays whole where an object of the program cannot be described', async () => {
    class Broken extends Event {
      override toString(): string {
        throw new Error('no');
      }
    }
    const tasks = await look(() => [
      createTask(
        s.fn(function* () {
          yield* s.wait(new Broken().wait());
        }),
        { name: 'a' },
      ),
      createTask(idle(), { name: 'b' }),
    ]);
    expect(find(tasks, 'a').waits).toMatchObject([{ operation: 'wait', kind: 'Broken', object: '<object>' }]);
    expect(find(tasks, 'b').state).toBe('waiting');
  });

  test('comes in pages, of which later ones have the rest of what one task needs', async () => {
    const { result: pages } = await runVirtually(
      s.fn(function* () {
        let seen: ReturnType<typeof taskPages> extends Generator<infer P> ? P[] : never = [];
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              for (let i = 0; i < 250; i++) group.createTask(idle());
              yield* s.wait(sleep(1));
              const looker = createTask(
                s.fn(function* () {
                  yield* s.wait(sleep(1));
                  seen = [...taskPages({ loop: getRunningLoop(), limit: 100 })];
                  group.cancel();
                }),
              );
              group.createTask(() => looker, { name: 'last' });
            }),
          ),
        );
        return seen;
      }),
      { name: 'main' },
    );
    expect(pages.map(({ tasks }) => tasks.length).slice(0, 3)).toEqual([100, 100, 53]);
    expect(pages.at(-1)!.next).toBe(null);
    const main = find(joinPages(pages), 'main');
    expect(new Set(main.waits[0]!.needs).size).toBe(251);
    expect(pages[0]!.tasks[0]!.waits[0]!.needs).toHaveLength(100);
  });

  test('leaves out what has ended between its pages', async () => {
    const { result } = await runVirtually(
      s.fn(function* () {
        const first = createTask(idle(), { name: 'a' });
        createTask(idle(), { name: 'b' }).cancel();
        yield* s.wait(sleep(0));
        const pages = taskPages({ loop: getRunningLoop(), limit: 1 });
        const names = [pages.next().value!.tasks[0]!.name];
        first.cancel();
        yield* s.wait(sleep(1));
        for (const page of pages) names.push(...page.tasks.map(({ name }) => name));
        return names;
      }),
      { name: 'main' },
    );
    expect(result).toEqual(['main']);
  });
});

describe('a lens', () => {
  test('needs nothing but its argument: its text can be sent to another process', async () => {
    const sent = new Function(`return ${String(makeLens)}`)() as typeof makeLens;
    const { result } = await runVirtually(
      async () => {
        const lens = sent([{ views: viewsOfThisLoop() }]);
        return [lens.begin(), lens.page(0)] as const;
      },
      { name: 'main' },
    );
    expect(result).toMatchObject([1, { tasks: [{ name: 'main' }], next: null, total: 1 }]);
  });

  test('counts the steps of tasks from when it is asked to until it is not', async () => {
    await runVirtually(async () => {
      const lens = makeLens([{ views: viewsOfThisLoop() }]);
      const task = createTask(
        async function ticker() {
          for (;;) await sleep(1);
        },
        { name: 'ticker' },
      );
      await sleep(0.5);
      const counts = () => {
        lens.begin();
        return find(lens.page(0).tasks, 'ticker').counts;
      };
      expect(counts()).toBe(null);
      const stop = lens.count();
      expect(counts()).toMatchObject({ steps: 0, running: 0 });
      await sleep(5);
      expect(counts()).toMatchObject({ steps: 5 });
      stop();
      expect(counts()).toBe(null);
      task.cancel();
    });
  });

  test('gives a task the same number at each look, and finds it by that as long as it lives', async () => {
    await runVirtually(async () => {
      const lens = makeLens([{ views: viewsOfThisLoop() }]);
      const task = createTask(new Queue().get(), { name: 'getter' });
      await sleep(1);
      lens.begin();
      const { id } = find(lens.page(0).tasks, 'getter');
      createTask(sleep(1));
      lens.begin();
      expect(find(lens.page(0).tasks, 'getter').id).toBe(id);
      expect(lens.find(id)).toBe(task);
      task.cancel();
      await sleep(0);
      await sleep(0);
      expect(lens.find(id)).toBe(null);
    });
  });

  test('goes on with each page, however little time it has', async () => {
    await runVirtually(async () => {
      const tasks = Array.from({ length: 300 }, () => createTask(sleep(1)));
      const all = gather(tasks);
      await sleep(0.5);
      const pages = [...taskPages({ loop: getRunningLoop(), seconds: 0 })];
      expect(joinPages(pages)).toHaveLength(301);
      await all;
    });
  });

  test('ends a page when its time is over', async () => {
    await runVirtually(async () => {
      const tasks = Array.from({ length: 100 }, () => createTask(sleep(1)));
      let time = 0;
      const views = { ...viewsOfThisLoop(), now: () => (time += 1) };
      const lens = makeLens([{ views }]);
      lens.begin();
      const page = lens.page(0, { seconds: 3 });
      expect(page.tasks.length).toBeGreaterThan(0);
      expect(page.tasks.length).toBeLessThan(50);
      expect(page.next).toBe(page.tasks.length);
      for (const task of tasks) task.cancel();
    });
  });
});
