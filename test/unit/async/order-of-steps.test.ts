import {
  CancelledError,
  createTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  type TaskGroup,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type Body, runVirtually, type Spelling, spellings } from '../../support/spellings.ts';

/**
 * A program whose trace is the same in all spellings, and the one of CPython: `outer` is the spelling of its main
 * coroutine, `inner` that of the tasks. The expected traces were printed by the same programs in CPython.
 */
type Program = (outer: Spelling, inner: Spelling, log: (line: string) => void) => Body<[], void>;

const turns: Program = (outer, inner, log) =>
  function* () {
    const loop = getRunningLoop();
    const future = new Future<string>();
    const nested = inner.fn(function* (depth: number): Generator<unknown, void, unknown> {
      yield* inner.wait(depth > 0 ? nested(depth - 1) : sleep(0));
    });
    const walker = (name: string) =>
      inner.fn(function* () {
        for (let depth = 0; depth < 3; depth++) {
          log(`${name} ${depth}`);
          yield* inner.wait(nested(depth));
        }
        log(`${name} ends`);
      });
    const waiter = (name: string) =>
      inner.fn(function* () {
        log(`${name} waits`);
        log(`${name} ${yield* inner.wait(future)}`);
      });
    const callback = (left: number) => {
      log(`callback ${left}`);
      if (left > 0) loop.callSoon(callback, left - 1);
      else future.setResult('wakes');
    };
    const tasks = [walker('a'), waiter('v'), walker('b'), waiter('w')].map((body) => createTask(body));
    loop.callSoon(callback, 2);
    yield* outer.wait(gather(tasks));
    log('main ends');
  };

const cancellation: Program = (outer, inner, log) =>
  function* () {
    const cleaner = createTask(
      inner.fn(function* () {
        try {
          log('cleaner works');
          yield* inner.wait(sleep(60));
        } catch (error) {
          log('cleaner is cancelled');
          yield* inner.wait(sleep(0));
          log('cleaner cleans up');
          throw error;
        }
      }),
    );
    const watcher = createTask(
      inner.fn(function* () {
        try {
          yield* inner.wait(cleaner);
        } catch (error) {
          expect(error).toBeInstanceOf(CancelledError);
          log('watcher sees it');
        }
      }),
    );
    cleaner.addDoneCallback(() => log('done callback'));
    for (let i = 0; i < 5; i++) {
      yield* outer.wait(sleep(0));
      log(`main ${i}`);
      if (i === 1) cleaner.cancel();
    }
    yield* outer.wait(watcher);
    log('main ends');
  };

const families: Program = (outer, inner, log) =>
  function* () {
    const child = (name: string) =>
      inner.fn(function* () {
        log(`${name} begins`);
        yield* inner.wait(sleep(1));
        log(`${name} ends`);
        return name;
      });
    const forever = inner.fn(function* () {
      yield* inner.wait(new Future());
    });
    const parent = (name: string) =>
      inner.fn(function* () {
        log(`${name} begins`);
        const task = createTask(child(`${name} child`));
        log(`${name} gets ${yield* inner.wait(task)}`);
        log(`${name} gets ${yield* inner.wait(task)} again`);
        try {
          yield* inner.wait(timeout(1, forever));
        } catch {
          log(`${name} times out`);
        }
      });
    const body = outer.fn(function* (group: TaskGroup) {
      group.createTask(parent('a'));
      group.createTask(parent('b'));
      getRunningLoop().callLater(1, log, 'timer');
      log('group body ends');
    });
    yield* outer.wait(taskGroup(body));
    log('main ends');
  };

const traces: readonly [name: string, program: Program, trace: string[]][] = [
  [
    'of tasks, callbacks and waiters that take turns',
    turns,
    [
      ...['a 0', 'v waits', 'b 0', 'w waits', 'callback 2'],
      ...['a 1', 'b 1', 'callback 1'],
      ...['a 2', 'b 2', 'callback 0'],
      ...['a ends', 'b ends', 'v wakes', 'w wakes', 'main ends'],
    ],
  ],
  [
    'of a cancellation, its clean-up, and the task that waits for it',
    cancellation,
    [
      ...['cleaner works', 'main 0', 'main 1'],
      ...['cleaner is cancelled', 'main 2', 'cleaner cleans up', 'main 3'],
      ...['done callback', 'watcher sees it', 'main 4', 'main ends'],
    ],
  ],
  [
    'of a task group, tasks that wait for tasks, and timeouts',
    families,
    [
      ...['group body ends', 'a begins', 'b begins', 'a child begins', 'b child begins'],
      ...['timer', 'a child ends', 'b child ends'],
      ...['a gets a child', 'a gets a child again', 'b gets b child', 'b gets b child again'],
      ...['a times out', 'b times out', 'main ends'],
    ],
  ],
];

describe.each(traces)('the order of steps %s is that of CPython', (_name, program, expected) => {
  const combinations = spellings.flatMap((outer) =>
    spellings.map((inner) => [outer.name, inner.name, outer, inner] as const),
  );

  test.each(combinations)('with main as %s and tasks as %s', async (_outer, _inner, outer, inner) => {
    const trace: string[] = [];
    await runVirtually(outer.fn(program(outer, inner, (line) => trace.push(line))));
    expect(trace).toEqual(expected);
  });
});
