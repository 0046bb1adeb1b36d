import { inspect } from 'node:util';
import {
  CancelledError,
  Condition,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  type EventLoop,
  Future,
  gather,
  getRunningLoop,
  InvalidStateError,
  isfuture,
  Queue,
  shield,
  sleep,
  type Task,
  timeout,
  wait,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop, virtualLoop } from '../../support/loops.ts';
import { program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

const failure = new Error('no');

/** One future in each state. */
const inState = {
  pending: (loop: EventLoop) => loop.createFuture<number>(),
  succeeded(loop: EventLoop) {
    const future = loop.createFuture<number>();
    future.setResult(42);
    return future;
  },
  failed(loop: EventLoop) {
    const future = loop.createFuture<number>();
    future.setException(failure);
    future.exception(); // retrieved: nothing to report
    return future;
  },
  cancelled(loop: EventLoop) {
    const future = loop.createFuture<number>();
    future.cancel('enough');
    return future;
  },
};

type State = keyof typeof inState;
const states = Object.keys(inState) as State[];
const doneStates = states.filter((state) => state !== 'pending');

function make(state: State): Future<number> {
  return inState[state](manualLoop().loop);
}

describeBoth('done callbacks', (s) => {
  test('never run synchronously, even when the future is done already', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const future = loop.createFuture<void>();
    const main = s.fn(function* () {
      future.addDoneCallback(() => trace.push('added before'));
      future.setResult();
      future.addDoneCallback(() => trace.push('added after'));
      trace.push('step');
    });
    loop.createTask(main);
    await iterate();
    expect(trace).toEqual(['step']);
    await iterate();
    expect(trace).toEqual(['step', 'added before', 'added after']);
  });

  test('of a task run one iteration after its last step, in order of registration', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const task = loop.createTask(s.fn(function* () {}));
    for (const name of ['first', 'second', 'third']) task.addDoneCallback(() => trace.push(name));
    await iterate();
    expect([task.done(), trace]).toEqual([true, []]);
    await iterate();
    expect(trace).toEqual(['first', 'second', 'third']);
  });

  test('are called with the future, in no task', async () => {
    const { loop, iterate } = manualLoop();
    const seen: unknown[] = [];
    const task = loop.createTask(s.fn(function* () {}));
    task.addDoneCallback((future) => seen.push(future === task, currentTask()));
    await iterate(2);
    expect(seen).toEqual([true, null]);
  });

  test('run in the context of their registration', async () => {
    const { loop, iterate } = manualLoop();
    const variable = new ContextVar('variable', { default: 'outside' });
    const seen: string[] = [];
    const future = loop.createFuture<void>();
    const main = s.fn(function* () {
      variable.set('at registration');
      future.addDoneCallback(() => seen.push(variable.get()));
      variable.set('later');
    });
    loop.createTask(main);
    await iterate();
    copyContext().run(() => {
      variable.set('at completion');
      future.setResult();
    });
    await iterate();
    expect(seen).toEqual(['at registration']);
  });

  test('run in the very context that they were given', async () => {
    const { loop, iterate } = manualLoop();
    const variable = new ContextVar<string>('variable');
    const context = copyContext();
    const task = loop.createTask(s.fn(function* () {}));
    task.addDoneCallback(() => variable.set('inside'), { context });
    await iterate(2);
    expect(context.get(variable)).toBe('inside');
  });
});

describe('removeDoneCallback', () => {
  const first = () => {};
  const second = () => {};

  test('removes all that are equal, and returns how many', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    const future = loop.createFuture<void>();
    const twice = () => trace.push('twice');
    future.addDoneCallback(twice);
    future.addDoneCallback(() => trace.push('once'));
    future.addDoneCallback(twice);
    expect(future.removeDoneCallback(twice)).toBe(2);
    expect(future.removeDoneCallback(twice)).toBe(0);
    future.setResult();
    loop.runOnce();
    expect(trace).toEqual(['once']);
  });

  test.each([
    { added: [first], removed: 1 },
    { added: [first, first, second, first], removed: 3 },
    { added: [second, first], removed: 1 },
    { added: [second, second], removed: 0 },
    { added: [], removed: 0 },
  ])('removes $removed, wherever they stand', ({ added, removed }) => {
    const future = make('pending');
    for (const callback of added) future.addDoneCallback(callback);
    expect(future.removeDoneCallback(first)).toBe(removed);
    expect(future.removeDoneCallback(second)).toBe(added.length - removed);
  });

  test('removes nothing once the future is done: registered callbacks run', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    const future = loop.createFuture<void>();
    const callback = () => trace.push('called');
    future.addDoneCallback(callback);
    future.setResult();
    expect(future.removeDoneCallback(callback)).toBe(0);
    loop.runOnce();
    expect(trace).toEqual(['called']);
  });
});

describe('removeDoneCallback of a future with 100 callbacks', () => {
  /** The numbers of the callbacks that run when these are removed, in this order, and then some are added again. */
  const left = (removed: readonly number[], added: readonly number[]): readonly number[] => {
    const { loop } = manualLoop();
    const trace: number[] = [];
    const future = loop.createFuture<void>();
    const callbacks = Array.from({ length: 100 }, (_, i) => () => trace.push(i));
    for (const callback of callbacks) future.addDoneCallback(callback);
    for (const i of removed) {
      expect([future.removeDoneCallback(callbacks[i]!), future.removeDoneCallback(callbacks[i]!)]).toEqual([1, 0]);
    }
    for (const i of added) future.addDoneCallback(callbacks[i]!);
    for (const i of added) expect(future.removeDoneCallback(callbacks[i]!)).toBe(1);
    for (const i of added) future.addDoneCallback(callbacks[i]!);
    future.setResult();
    loop.runOnce();
    return trace;
  };
  const all = Array.from({ length: 100 }, (_, i) => i);

  test.each<[order: string, removed: readonly number[]]>([
    ['from the first on', all],
    ['from the last on', all.toReversed()],
    ['every second one', all.filter((i) => i % 2 === 1)],
    ['from the middle', [...all.slice(50), ...all.slice(1, 40)]],
  ])('removes them %s, and keeps the others in their order', (_order, removed) => {
    const kept = all.filter((i) => !removed.includes(i));
    expect(left(removed, [])).toEqual(kept);
    expect(left(removed, removed.slice(0, 3))).toEqual([...kept, ...removed.slice(0, 3)]);
  });

  test('removes one as often as it was added, and does not show it any more', () => {
    const { loop } = manualLoop();
    const future = loop.createFuture<void>();
    const twice = () => {};
    future.addDoneCallback(twice);
    for (let i = 0; i < 98; i++) future.addDoneCallback(() => {});
    future.addDoneCallback(twice);
    expect(String(future)).toContain('<98 more>');
    expect(future.removeDoneCallback(twice)).toBe(2);
    expect(String(future)).toContain('<96 more>');
  });

  test('leaves the tasks that wait for it', async () => {
    const { result } = await runVirtually(async () => {
      const future = new Future<number>();
      const callbacks = Array.from({ length: 100 }, () => () => {});
      for (const callback of callbacks.slice(0, 50)) future.addDoneCallback(callback);
      const tasks = Array.from({ length: 3 }, () => createTask(async () => await future));
      await sleep(0);
      for (const callback of callbacks.slice(50)) future.addDoneCallback(callback);
      for (const callback of callbacks) expect(future.removeDoneCallback(callback)).toBe(1);
      future.setResult(7);
      return await gather(tasks);
    });
    expect(result).toEqual([7, 7, 7]);
  });
});

describe('addDoneCallback', () => {
  test('takes functions only', () => {
    expect(() => make('pending').addDoneCallback('callback' as never)).toThrow(TypeError);
  });
});

describe('the state of a future', () => {
  test.each([
    { state: 'pending', done: false, cancelled: false, word: 'pending' },
    { state: 'succeeded', done: true, cancelled: false, word: 'finished' },
    { state: 'failed', done: true, cancelled: false, word: 'finished' },
    { state: 'cancelled', done: true, cancelled: true, word: 'cancelled' },
  ] as const)('is told by done(), cancelled() and state: $state', ({ state, done, cancelled, word }) => {
    const future = make(state);
    expect([future.done(), future.cancelled(), future.state]).toEqual([done, cancelled, word]);
  });

  test('decides what result() and exception() give', () => {
    expect(make('succeeded').result()).toBe(42);
    expect(make('succeeded').exception()).toBe(null);
    expect(thrownBy(() => make('failed').result())).toBe(failure);
    expect(make('failed').exception()).toBe(failure);
    for (const ask of ['result', 'exception'] as const) {
      expect(() => make('pending')[ask]()).toThrow(InvalidStateError);
      expect(thrownBy(() => make('cancelled')[ask]())).toMatchObject({ name: 'CancelledError', message: 'enough' });
    }
  });

  test.each(doneStates)('is final: %s', (state) => {
    const future = make(state);
    const alreadyDone = expect.objectContaining({ name: 'InvalidStateError', code: 'ALREADY_DONE' });
    expect(() => future.setResult(1)).toThrow(alreadyDone);
    expect(() => future.setException(new Error('again'))).toThrow(alreadyDone);
    expect(future.cancel()).toBe(false);
  });
});

describe('setException', () => {
  test('makes an error of a class of errors', () => {
    const future = make('pending');
    future.setException(RangeError);
    expect(future.exception()).toBeInstanceOf(RangeError);
  });

  test('takes whatever JavaScript can throw', () => {
    const future = make('pending');
    future.setException('text');
    expect(thrownBy(() => future.result())).toBe('text');
  });
});

describe('cancel', () => {
  test('cancels a pending future, at once', () => {
    const future = make('pending');
    expect(future.cancel()).toBe(true);
    expect(future.cancelled()).toBe(true);
  });

  test('gives the message, if there was one, to each CancelledError', () => {
    const withMessage = make('cancelled');
    const without = make('pending');
    without.cancel();
    const errors = [withMessage, withMessage, without].map((future) => thrownBy(() => future.result()));
    expect(errors.map((error) => (error as CancelledError).args)).toEqual([['enough'], ['enough'], []]);
    expect(errors[0]).not.toBe(errors[1]);
  });
});

describe('a future as a promise', () => {
  test('fulfils with the result, which thenables of promise code can have', async () => {
    const { loop } = virtualLoop();
    const future = loop.createFuture<number>();
    const seen = Promise.all([future, future.then((value) => value + 1), future.finally(() => {}), loop.runForever()]);
    loop.callLater(1, () => {
      future.setResult(42);
      loop.callSoon(() => loop.stop());
    });
    expect(await seen).toEqual([42, 43, 42, undefined]);
  });

  test('that is done fulfils without an iteration of the loop', async () => {
    expect(await make('succeeded')).toBe(42);
    expect(await make('failed').catch((error) => error)).toBe(failure);
    await expect(make('cancelled')).rejects.toBeInstanceOf(CancelledError);
  });

  test('rejects with the error, which is seen then', async () => {
    const { loop } = virtualLoop();
    const reports: unknown[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const future = loop.createFuture();
    future.setException(failure);
    await expect(future).rejects.toBe(failure);
    loop.close();
    expect(reports).toEqual([]);
  });
});

describe('new Future', () => {
  test('belongs to the loop that it is given, or to the one that runs', () => {
    const { loop } = manualLoop();
    const made: Future[] = [];
    loop.callSoon(() => made.push(new Future()));
    loop.runOnce();
    expect(made[0]?.getLoop()).toBe(loop);
    expect(new Future({ loop }).getLoop()).toBe(loop);
  });
});

describe('isfuture', () => {
  test('recognises futures, and objects that have the mark of a future', () => {
    expect(isfuture(make('pending'))).toBe(true);
    expect(isfuture({ _asyncioFutureBlocking: false })).toBe(true);
    for (const value of [null, undefined, 1, {}, Promise.resolve(), { _asyncioFutureBlocking: null }]) {
      expect(isfuture(value)).toBe(false);
    }
  });
});

describe('the picture of a future', () => {
  test('is that of its class, where JavaScript asks', () => {
    expect(Object.prototype.toString.call(make('pending'))).toBe('[object Future]');
  });

  test.each([
    ['pending', '<Future pending>'],
    ['succeeded', '<Future finished result=42>'],
    ['failed', "<Future finished exception=Error('no')>"],
    ['cancelled', '<Future cancelled>'],
  ] as const)('shows that it is %s', (state, picture) => {
    const future = make(state);
    expect(String(future)).toBe(picture);
    expect(inspect(future)).toBe(picture);
  });

  test('names the done callbacks, the first and the last when there are many', () => {
    const future = make('pending');
    future.addDoneCallback(function first() {});
    future.addDoneCallback(function second() {});
    expect(String(future)).toBe('<Future pending cb=[first(), second()]>');
    future.addDoneCallback(function third() {});
    future.addDoneCallback(function fourth() {});
    expect(String(future)).toBe('<Future pending cb=[first(), <2 more>, fourth()]>');
  });

  test('names the tasks that wait for it', () => {
    const { loop } = manualLoop();
    const future = loop.createFuture();
    loop.createTask(
      function* () {
        yield* future;
      },
      { name: 'reader' },
    );
    loop.runOnce();
    expect(String(future)).toBe('<Future pending cb=[Task reader]>');
  });
});

describeBoth('waiting for a future', (s) => {
  test('gives its result', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<number>();
    const main = s.fn(function* () {
      return (yield* s.wait(future)) + 1;
    });
    const task = loop.createTask(main);
    await iterate();
    future.setResult(42);
    await iterate();
    expect(task.result()).toBe(43);
  });

  test('throws its error, the same object', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<number>();
    const main = s.fn(function* () {
      yield* s.wait(future);
    });
    const task = loop.createTask(main);
    await iterate();
    future.setException(failure);
    await iterate();
    expect(task.exception()).toBe(failure);
  });

  test('can be done any number of times', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<number>();
    const main = s.fn(function* () {
      return [yield* s.wait(future), yield* s.wait(future)];
    });
    const tasks = [loop.createTask(main), loop.createTask(main)];
    await iterate();
    future.setResult(42);
    await iterate();
    expect(tasks.map((task) => task.result())).toEqual([
      [42, 42],
      [42, 42],
    ]);
  });
});

describe('a future whose result is the future itself', () => {
  const cycle = { name: 'TypeError', code: 'CHAINING_CYCLE', message: expect.stringMatching(/^Chaining cycle/) };

  test('fails its awaits in async functions, also those from before, and by way of others', async () => {
    const main = async () => {
      const [a, b, c] = [new Future<unknown>(), new Future<unknown>(), new Future<unknown>()];
      const before = createTask(async () => await c);
      await sleep(1);
      a.setResult(b);
      b.setResult(c);
      c.setResult(a);
      for (const future of [a, b, c]) await expect(future).rejects.toMatchObject(cycle);
      const leading = new Future<unknown>();
      leading.setResult(a);
      await expect(leading.then()).rejects.toMatchObject(cycle);
      await wait([before]);
      expect(before.exception()).toMatchObject(cycle);
    };
    await runVirtually(main);
  });

  test('gives it to generators, as in CPython', async () => {
    const main = function* (): Generator<unknown, void, unknown> {
      const future = new Future<unknown>();
      future.setResult(future);
      const result: unknown = yield* future;
      expect(result === future).toBe(true);
      const task: Task<unknown> = createTask(function* (): Generator<unknown, unknown, unknown> {
        yield* sleep(1);
        return task;
      });
      const itself: unknown = yield* task;
      expect(itself === task).toBe(true);
    };
    await runVirtually(main);
  });

  test('is not one whose result is another future', async () => {
    const main = async () => {
      const [a, b] = [new Future<unknown>(), new Future<unknown>()];
      a.setResult(b);
      b.setResult('end');
      expect(await a).toBe('end');
    };
    await runVirtually(main);
  });
});

describeBoth('JSON.stringify', (s) => {
  test(
    'writes the text of futures, tasks, gathers, handles and loops, wherever they are',
    program(s, function* () {
      const loop = getRunningLoop();
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
        }),
        { name: 'job' },
      );
      const objects = {
        task,
        future: new Future(),
        gathering: gather(task),
        shielded: shield(task),
        handle: loop.callSoon(() => {}),
        timer: loop.callLater(1, () => {}),
        loop,
      };
      expect(JSON.parse(JSON.stringify(objects))).toEqual(
        Object.fromEntries(Object.entries(objects).map(([name, object]) => [name, String(object)])),
      );
      expect(JSON.stringify({ task })).toContain("<Task pending name='job'");
      for (const object of [timeout(1, async () => {}), sleep(1), wait([task]), new Queue(), new Condition()])
        expect(() => JSON.stringify({ object })).not.toThrow();
      yield* s.wait(task);
    }),
  );
});
