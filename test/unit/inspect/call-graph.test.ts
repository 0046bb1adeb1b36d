import { createTask, Future, gather, shield, sleep, taskGroup, timeout, wait } from 'asyncio-ts';
import { type CallGraph, captureCallGraph, formatCallGraph, recordPlaces } from 'asyncio-ts/inspect';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runVirtually } from '../../support/spellings.ts';

/** The programs of CPython's `test_asyncio/test_graph.py`, written anew in both spellings, with the trees that it expects of them. */

type Tree = [who: string, stack: string[], awaitedBy: Tree[]];

const MARKS = { async: 'a', generator: 'a', function: 's' } as const;

/** The shape of a graph as CPython's tests write it: `a f` for a coroutine, `s f` for a function. */
function shapeOf(graph: CallGraph | null): Tree {
  if (graph === null) throw new Error('there is no graph');
  const who = graph.kind === 'future' ? 'F' : graph.name.includes('-') ? 'T<anon>' : `T<${graph.name}>`;
  const stack = graph.callStack.map(({ name, kind }) => `${MARKS[kind]} ${name}`);
  const awaitedBy = graph.awaitedBy.map(shapeOf).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return [who, stack, awaitedBy];
}

let stop = (): void => {};

beforeEach(() => {
  stop = recordPlaces();
});

afterEach(() => stop());

describe("the programs of CPython's tests give its trees", () => {
  describe('a task group', () => {
    const expected: Tree = [
      'T<c2_root>',
      ['s c5', 'a c4', 'a c3', 'a c2'],
      [
        ['T<Main>', ['a body', 'a main'], []],
        ['T<sub_main_1>', ['a c1'], [['T<Main>', ['a body', 'a main'], []]]],
        ['T<sub_main_2>', ['a c1'], [['T<Main>', ['a body', 'a main'], []]]],
      ],
    ];

    test('of async functions', async () => {
      let found: CallGraph | null = null;
      function c5(): void {
        found = captureCallGraph();
      }
      async function c4() {
        await sleep(0);
        c5();
      }
      async function c3() {
        await c4();
      }
      async function c2() {
        await c3();
      }
      async function main() {
        await taskGroup(async function body(group) {
          const task = group.createTask(c2, { name: 'c2_root' });
          async function c1() {
            await task;
          }
          group.createTask(c1, { name: 'sub_main_1' });
          group.createTask(c1, { name: 'sub_main_2' });
          await sleep(5);
        });
      }
      await runVirtually(main, { name: 'Main' });
      expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
    });

    test('of generators', async () => {
      let found: CallGraph | null = null;
      function c5(): void {
        found = captureCallGraph();
      }
      function* c4() {
        yield* sleep(0);
        c5();
      }
      function* c3() {
        yield* c4();
      }
      function* c2() {
        yield* c3();
      }
      function* main() {
        yield* taskGroup(function* body(group) {
          const task = group.createTask(c2, { name: 'c2_root' });
          function* c1() {
            yield* task;
          }
          group.createTask(c1, { name: 'sub_main_1' });
          group.createTask(c1, { name: 'sub_main_2' });
          yield* sleep(5);
        });
      }
      await runVirtually(main, { name: 'Main' });
      expect(shapeOf(found)).toEqual(expected);
    });
  });

  describe('gather and shield', () => {
    const expected: Tree = ['T<anon>', ['s capture', 'a deep', 'a c1'], [['T<Main>', ['a main'], []]]];

    for (const [name, through] of [
      ['gather', (c1: () => never, c2: () => never) => gather(c1, c2)],
      ['shield', (c1: () => never) => shield(c1)],
    ] as const) {
      test(`${name} of async functions`, async () => {
        let found: CallGraph | null = null;
        const capture = (): void => {
          found = captureCallGraph();
        };
        async function deep() {
          await sleep(0);
          capture();
        }
        async function c1() {
          await sleep(0);
          await deep();
        }
        async function c2() {
          await sleep(0);
        }
        async function main() {
          await through(c1 as never, c2 as never);
        }
        await runVirtually(main, { name: 'Main' });
        expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
      });

      test(`${name} of generators`, async () => {
        let found: CallGraph | null = null;
        const capture = (): void => {
          found = captureCallGraph();
        };
        function* deep() {
          yield* sleep(0);
          capture();
        }
        function* c1() {
          yield* sleep(0);
          yield* deep();
        }
        function* c2() {
          yield* sleep(0);
        }
        function* main() {
          yield* through(c1 as never, c2 as never) as Future<unknown>;
        }
        await runVirtually(main, { name: 'Main' });
        expect(shapeOf(found)).toEqual(expected);
      });
    }
  });

  describe('a timeout inside a task that others wait for', () => {
    const expected: Tree = ['T<anon>', ['s capture', 'a inner', 'a body', 'a c1'], [['T<Main>', ['a main'], []]]];

    test('of async functions', async () => {
      let found: CallGraph | null = null;
      const capture = (): void => {
        found = captureCallGraph();
      };
      async function inner() {
        await sleep(0);
        capture();
      }
      async function c1() {
        await timeout(1, async function body() {
          await sleep(0);
          await inner();
        });
      }
      async function c2() {
        for (let i = 0; i < 3; i++) await sleep(0);
      }
      async function main() {
        await wait([createTask(c1), createTask(c2)]);
      }
      await runVirtually(main, { name: 'Main' });
      expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
    });

    test('of generators', async () => {
      let found: CallGraph | null = null;
      const capture = (): void => {
        found = captureCallGraph();
      };
      function* inner() {
        yield* sleep(0);
        capture();
      }
      function* c1() {
        yield* timeout(1, function* body() {
          yield* sleep(0);
          yield* inner();
        });
      }
      function* c2() {
        for (let i = 0; i < 3; i++) yield* sleep(0);
      }
      function* main() {
        yield* wait([createTask(c1), createTask(c2)]);
      }
      await runVirtually(main, { name: 'Main' });
      expect(shapeOf(found)).toEqual(expected);
    });
  });

  describe('a task that is awaited', () => {
    const expected: Tree = ['T<there there>', ['s capture', 'a inner', 'a c1'], [['T<Main>', ['a c2', 'a main'], []]]];

    test('of async functions', async () => {
      let found: CallGraph | null = null;
      const capture = (): void => {
        found = captureCallGraph();
      };
      async function inner() {
        await sleep(0);
        capture();
      }
      async function c1() {
        await inner();
      }
      async function c2() {
        await createTask(c1, { name: 'there there' });
      }
      async function main() {
        await c2();
      }
      await runVirtually(main, { name: 'Main' });
      expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
    });

    test('of generators', async () => {
      let found: CallGraph | null = null;
      const capture = (): void => {
        found = captureCallGraph();
      };
      function* inner() {
        yield* sleep(0);
        capture();
      }
      function* c1() {
        yield* inner();
      }
      function* c2() {
        yield* createTask(c1, { name: 'there there' });
      }
      function* main() {
        yield* c2();
      }
      await runVirtually(main, { name: 'Main' });
      expect(shapeOf(found)).toEqual(expected);
    });
  });

  describe('a future that tasks of a group await, while the body of the group goes on', () => {
    const expected: Tree = [
      'F',
      [],
      [
        ['T<task A>', ['a a2', 'a a1'], [['T<Main>', ['s body', 'a main'], []]]],
        ['T<task B>', ['a b1'], [['T<Main>', ['s body', 'a main'], []]]],
      ],
    ];

    test('of async functions', async () => {
      let found: CallGraph | null = null;
      let text = '';
      let fut!: Future<void>;
      async function a2() {
        await fut;
      }
      async function a1() {
        await a2();
      }
      async function b1() {
        await fut;
      }
      async function main() {
        fut = new Future();
        await taskGroup(async function body(group) {
          group.createTask(a1, { name: 'task A' });
          group.createTask(b1, { name: 'task B' });
          for (let i = 0; i < 5; i++) await sleep(0);
          found = captureCallGraph(fut);
          text = formatCallGraph(fut);
          fut.setResult();
        });
      }
      await runVirtually(main, { name: 'Main' });
      expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
      expect(text).toMatch(/^\* Future\(id=\d+\)/);
    });

    test('of generators', async () => {
      let found: CallGraph | null = null;
      let fut!: Future<void>;
      function* a2() {
        yield* fut;
      }
      function* a1() {
        yield* a2();
      }
      function* b1() {
        yield* fut;
      }
      function* main() {
        fut = new Future();
        yield* taskGroup(function* body(group) {
          group.createTask(a1, { name: 'task A' });
          group.createTask(b1, { name: 'task B' });
          for (let i = 0; i < 5; i++) yield* sleep(0);
          found = captureCallGraph(fut);
          fut.setResult();
        });
      }
      await runVirtually(main, { name: 'Main' });
      expect(asCoroutines(shapeOf(found))).toEqual(asCoroutines(expected));
    });
  });
});

/** The engine does not tell of every async function on its stack that it is one. */
function asCoroutines([who, stack, awaitedBy]: Tree): Tree {
  return [who, stack.map((frame) => frame.replace(/^s /, 'a ')), awaitedBy.map(asCoroutines)];
}

test('the call stack of a coroutine of the library has no functions of the task that was on the stack when it began', async () => {
  async function other() {
    await sleep(100);
  }
  const { result } = await runVirtually(async function main() {
    const tasks = [createTask(other), createTask(sleep(100))];
    await sleep(1);
    const stacks = tasks.map((task) => captureCallGraph(task)?.callStack.map(({ name }) => name));
    for (const task of tasks) task.cancel();
    return stacks;
  });
  expect(result).toEqual([['other'], ['sleep']]);
});
