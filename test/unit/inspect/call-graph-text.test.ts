import {
  coroutine,
  createTask,
  Event,
  type EventLoop,
  Future,
  gather,
  getRunningLoop,
  Lock,
  newEventLoop,
  sleep,
  taskGroup,
} from 'asyncio-ts';
import {
  type CallGraph,
  captureCallGraph,
  captureWaitGraph,
  formatCallGraph,
  formatWaitTree,
  printCallGraph,
  recordPlaces,
  titleOfTask,
} from 'asyncio-ts/inspect';
import { describe, expect, onTestFinished, test } from 'vitest';
import { logger } from '../../../src/kernel/lowlevel.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

const recorded = (): void => {
  onTestFinished(recordPlaces());
};

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .replaceAll(/id=\d+/g, 'id=…')
    .replaceAll(/File '[^']*[\\/]([^'\\/]+)', line \d+/g, "File '$1', line N")
    .replaceAll(/ at \S+:\d+:\d+/g, '')
    .replaceAll(/#\d+/g, '#n')
    .replaceAll(/Task-\d+/g, 'Task-n');
}

const asleep = (s: Spelling, seconds: number) =>
  s.fn(function* () {
    yield* s.wait(sleep(seconds));
  });

/** Two tasks that each hold a lock and wait for that of the other. */
function* embrace(s: Spelling): Generator<unknown, void, unknown> {
  const [one, two] = [new Lock(), new Lock()];
  const take = (first: Lock, second: Lock) =>
    s.fn(function* () {
      yield* s.wait(first.acquire());
      yield* s.wait(sleep(1));
      yield* s.wait(second.acquire());
    });
  createTask(take(one, two), { name: 'A' });
  createTask(take(two, one), { name: 'B' });
  yield* s.wait(sleep(2));
}

describe('a call graph as text', () => {
  test('has the shape of CPython’s, with lines, and with what each task waits for', async () => {
    recorded();
    let text = '';
    // The program of the documentation of CPython 3.14.
    async function check() {
      await sleep(0);
      text = formatCallGraph();
    }
    async function main() {
      await taskGroup(async function body(group) {
        group.createTask(check, { name: 'test' });
      });
    }
    await runVirtually(main, { name: 'Main' });
    expect(steady(text).split('\n')).toEqual([
      "* Task(name='test', id=…)",
      '  + Call stack:',
      "  |   File 'call-graph-text.test.ts', line N, in async check()",
      '  + Awaited by:',
      "    * Task(name='Main', id=…)",
      '      + Call stack:',
      "      |   File 'call-graph-text.test.ts', line N, in async main()",
      '      + Waits for: test of its task group',
    ]);
  });

  test('tells the very lines', async () => {
    recorded();
    let graph: CallGraph | null = null;
    function* deep() {
      yield* sleep(1);
    }
    function* main() {
      const task = createTask(deep);
      yield* sleep(0.5);
      graph = captureCallGraph(task);
    }
    const before = Number(/:(\d+):\d+\)?$/.exec(new Error('here').stack!.split('\n')[1]!)![1]);
    await runVirtually(main);
    expect(graph!.callStack[0]).toMatchObject({ name: 'deep', kind: 'generator', line: before - 7 });
  });
});

describeBoth('a call graph', (s) => {
  test('names a deadlock, and draws the way back', async () => {
    await runVirtually(
      s.fn(function* () {
        yield* embrace(s);
        const [a] = [...captureWaitGraph(getRunningLoop()).tasks].filter(({ name }) => name === 'A');
        expect(a?.waits[0]?.needs).toEqual(['B']);
        const [task] = tasksNamed('A');
        const graph = captureCallGraph(task!)!;
        expect(graph.deadlock).toEqual(['A', 'B']);
        expect(graph.awaitedBy.map(({ name }) => name)).toEqual(['B']);
        expect(graph.awaitedBy[0]?.awaitedBy).toMatchObject([{ name: 'A', isRepeated: true, awaitedBy: [] }]);
        const text = steady(formatCallGraph(task));
        expect(text).toContain('  + Waits for: <Lock [locked, waiters:1]>, held by B');
        expect(text).toContain('  + Deadlock: A → B → A');
        expect(text).toContain("⟲ Task(name='A', id=…), as above");
        expect(JSON.parse(JSON.stringify(graph))).toEqual(graph); // plain data
      }),
    );
  });

  test('of a task that is done has neither a stack nor waits', async () => {
    await runVirtually(
      s.fn(function* () {
        const task = createTask(asleep(s, 1), { name: 'done' });
        yield* s.wait(task);
        expect(captureCallGraph(task)).toMatchObject({ name: 'done', callStack: [], waitsFor: [], awaitedBy: [] });
      }),
    );
  });

  test('shows as many frames as it is asked for', async () => {
    recorded();
    await runVirtually(
      s.fn(function* () {
        const inner = s.fn(function* () {
          yield* s.wait(sleep(5));
        });
        const outer = s.fn(function* () {
          yield* s.wait(inner());
        });
        const task = createTask(outer);
        yield* s.wait(sleep(1));
        const all = captureCallGraph(task)!.callStack;
        expect(all.length).toBeGreaterThan(1);
        expect(captureCallGraph(task, { limit: 1 })!.callStack).toEqual(all.slice(0, 1));
        expect(captureCallGraph(task, { limit: -1 })!.callStack).toEqual(all.slice(-1));
        expect(captureCallGraph(task, { limit: 0 })!.callStack).toEqual([]);
        const [own] = captureCallGraph()!.callStack;
        expect(captureCallGraph(null, { depth: 2 })!.callStack[0]).not.toEqual(own);
      }),
    );
  });

  test('ends, however the tasks await each other', async () => {
    await runVirtually(
      s.fn(function* () {
        let layer = [createTask(asleep(s, 50))];
        const [first] = layer;
        for (let depth = 0; depth < 14; depth++) {
          const below = layer;
          layer = [0, 1].map(() =>
            createTask(
              s.fn(function* () {
                yield* s.wait(gather(...below));
              }),
            ),
          ) as typeof layer;
        }
        yield* s.wait(sleep(1));
        expect(formatCallGraph(first).split('\n').length).toBeLessThan(10_000);
      }),
    );
  });
});

function tasksNamed(name: string) {
  const loop = getRunningLoop() as EventLoop & { _tasks(): Iterable<ReturnType<typeof createTask>> };
  return [...loop._tasks()].filter((task) => task.getName() === name);
}

describe('without recorded places', () => {
  test('the inspector tells where suspended generators are', async () => {
    let graph: CallGraph | null = null;
    function* load() {
      yield* sleep(1);
    }
    function* main() {
      const task = createTask(load());
      yield* sleep(0.5);
      graph = captureCallGraph(task);
    }
    await runVirtually(main);
    expect(graph!.callStack).toMatchObject([{ name: 'load', kind: 'generator', column: expect.any(Number) }]);
    expect(graph!.callStack[0]?.file).toMatch(/call-graph-text\.test\.ts$/);
  });

  test('an async function is known by its name', async () => {
    let graph: CallGraph | null = null;
    async function load() {
      await sleep(1);
    }
    await runVirtually(async () => {
      const task = createTask(load);
      await sleep(0.5);
      graph = captureCallGraph(task);
    });
    expect(graph!.callStack).toEqual([{ name: 'load', kind: 'async', file: null, line: null, column: null }]);
  });
});

describe('captureCallGraph()', () => {
  test('throws outside a loop, and for what is no future; without a task there is nothing', async () => {
    expect(() => captureCallGraph()).toThrow(expect.objectContaining({ name: 'RuntimeError' }));
    expect(() => captureCallGraph('x' as never)).toThrow(/a task or a future is required, got 'x'/);
    expect(() => captureCallGraph(null, { dept: 1 } as never)).toThrow(/dept/);
    let graph: unknown = 'not called';
    await runVirtually(async () => {
      getRunningLoop().callSoon(() => {
        graph = captureCallGraph();
      });
      await sleep(1);
    });
    expect([graph, formatCallGraph(new Future({ loop: newEventLoop() }))]).toEqual([
      null,
      expect.stringMatching(/^\* Future\(id=\d+\)$/),
    ]);
  });

  test('prints to the logger, or to what it is given', async () => {
    const lines: unknown[] = [];
    const before = logger.error;
    onTestFinished(() => {
      logger.error = before;
    });
    logger.error = (text) => lines.push(text);
    await runVirtually(async () => {
      const task = createTask(() => sleep(1), { name: 'one' });
      await sleep(0.5);
      printCallGraph(task);
      printCallGraph(task, { file: { write: (text) => lines.push(text) } });
    });
    expect(lines).toEqual([expect.stringMatching(/^\* Task\(name='one'/), `${lines[0]}\n`]);
  });

  test('shows no control character of a program', async () => {
    await runVirtually(async () => {
      const name = `evil\x1b[31m\u202e\n${'x'.repeat(10_000)}`;
      const task = createTask(() => new Event().wait(), { name });
      await sleep(1);
      const text = formatCallGraph(task) + formatWaitTree(captureWaitGraph(getRunningLoop()));
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(text).toContain('evil\\x1b[31m\\u202e\\n');
      expect(text.length).toBeLessThan(1_500);
    });
  });
});

describe('titleOfTask()', () => {
  test('names a task after its function, unless it was given a name, and leaves its own name alone', async () => {
    await runVirtually(async () => {
      async function load() {}
      const tasks = [createTask(load), createTask(load, { name: 'mine' }), createTask(async () => {})];
      expect(tasks.map((task) => titleOfTask(task).replace(/\d+/, 'n'))).toEqual(['load#n', 'mine', 'Task-n']);
      expect(tasks[0]!.getName()).toMatch(/^Task-\d+$/);
    });
  });

  test('tells the arguments in debug mode', async () => {
    const load = coroutine(async function load(_id: number, _how: object) {});
    for (const debug of [false, true]) {
      await runVirtually(
        async () => {
          const title = titleOfTask(createTask(load(42, { deep: true }))).replace(/#\d+/, '#n');
          expect(title).toBe(debug ? 'load(42, <Object object>)#n' : 'load#n');
        },
        { debug },
      );
    }
  });
});

describeBoth('the tree of what waits for what', (s) => {
  test('has below each task those that it waits for, each of them once', async () => {
    await runVirtually(
      s.fn(function* () {
        const lock = new Lock();
        const holder = s.fn(function* () {
          yield* s.wait(lock.acquire());
          yield* s.wait(new Event().wait());
        });
        const waiter = s.fn(function* () {
          yield* s.wait(lock.acquire());
        });
        createTask(
          s.fn(function* () {
            yield* s.wait(gather(createTask(holder, { name: 'holder' }), createTask(waiter, { name: 'waiter' })));
          }),
          { name: 'all' },
        );
        yield* s.wait(sleep(1));
        const lines = steady(formatWaitTree(captureWaitGraph(getRunningLoop()))).split('\n');
        expect(lines.slice(1)).toEqual([
          '  all waits for holder, waiter in gather()',
          '  ├─ holder waits for <Event [unset, waiters:1]>',
          '  └─ waiter waits for <Lock [locked, waiters:1]>, held by holder',
          '     └─ holder, see above',
        ]);
      }),
    );
  });

  test('draws circles with the way back, and names them first', async () => {
    await runVirtually(
      s.fn(function* () {
        yield* embrace(s);
        const lines = steady(formatWaitTree(captureWaitGraph(getRunningLoop()))).split('\n');
        expect(lines.filter((line) => !line.includes('does not wait'))).toEqual([
          '  deadlock: A → B → A',
          '  A waits for <Lock [locked, waiters:1]>, held by B',
          '  └─ B waits for <Lock [locked, waiters:1]>, held by A',
          '     └─ ⟲ A: a deadlock',
        ]);
      }),
    );
  });

  test('stays short and ends for a hundred thousand tasks, and for chains of them', async () => {
    await runVirtually(
      s.fn(function* () {
        let last = createTask(asleep(s, 50));
        for (let at = 0; at < 3_000; at++) {
          const before = last;
          last = createTask(
            s.fn(function* () {
              yield* s.wait(before);
            }),
          );
        }
        yield* s.wait(sleep(1));
        const lines = formatWaitTree(captureWaitGraph(getRunningLoop())).split('\n');
        expect(lines.length).toBeLessThan(200);
        expect(lines.at(-1)).toMatch(/^ {2}and \d+ more tasks$/);
      }),
    );
  });
});
