import { MessageChannel } from 'node:worker_threads';
import {
  CancelledError,
  createTask,
  Event,
  type EventLoop,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  ValueError,
  wrapPromise,
} from 'asyncio-ts';
import {
  ConnectionRefusedError,
  connectLoop,
  exposeLoop,
  LoopDoor,
  openConnection,
  type RemoteCall,
  type RemoteLoop,
} from 'asyncio-ts/node';
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { failureOf } from '../executors/support.ts';
import { workerWith } from './support.ts';

// On a busy machine, a process or a thread takes its time to start.
vi.setConfig({ testTimeout: 20_000 });

/** A door, and which tasks of this thread have come through it. */
function connected<F extends Parameters<typeof exposeLoop>[1]>(loop: EventLoop, functions: F) {
  const door = exposeLoop(loop, functions);
  const remote = connectLoop<F>(door.port);
  onTestFinished(() => {
    remote.close();
    door.close();
  });
  return { door, remote };
}

describeBoth('callSoonThreadsafe from another thread', (s) => {
  test('has the loop call a function, in the order of the calls', async () => {
    const main = s.fn(function* () {
      const seen: unknown[] = [];
      const over = new Future<void>();
      const functions = { note: (...args: unknown[]) => seen.push(args), end: () => over.setResult() };
      const program = `
        remote.callSoonThreadsafe('note', 1, new Map([[1, 2]]));
        remote.callSoonThreadsafe('note', 2);
        remote.callSoonThreadsafe('end');
      `;
      const { exit } = workerWith(getRunningLoop(), functions, program);
      const exited = exit();
      yield* s.wait(over);
      return [seen, yield* s.wait(wrapPromise(exited))]; // the connection does not keep the thread alive
    });
    expect(await run(main)).toEqual([[[1, new Map([[1, 2]])], [2]], 0]);
  });

  test('reports what the function throws, and names that are not there', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const reports: string[] = [];
      const reported = new Event();
      loop.setExceptionHandler((_loop, { exception }) => {
        reports.push((exception as Error).message);
        if (reports.length === 2) reported.set();
      });
      const { remote } = connected(loop, {
        fails() {
          throw new Error('failed');
        },
      });
      remote.callSoonThreadsafe('fails');
      remote.callSoonThreadsafe('toString' as 'fails');
      yield* s.wait(reported.wait());
      return reports.sort();
    });
    expect(await run(main)).toEqual(['failed', 'this loop does not expose toString(), it exposes fails']);
  });
});

describeBoth('runCoroutineThreadsafe from another thread', (s) => {
  test('runs a coroutine on the loop, and returns its result', async () => {
    const main = s.fn(function* () {
      const functions = {
        double: s.fn(function* (n: number) {
          yield* s.wait(sleep(0));
          return n * 2;
        }),
      };
      const program = `post([await remote.runCoroutineThreadsafe('double', 21), String(remote)])`;
      const { next } = workerWith(getRunningLoop(), functions, program);
      return yield* s.wait(wrapPromise(next()));
    });
    expect(await run(main)).toEqual([42, '<RemoteLoop open calls=0>']);
  });

  test('carries errors over', async () => {
    const main = s.fn(function* () {
      const functions = {
        fail: s.fn(function* () {
          throw new ValueError('too small', { code: 'TOO_SMALL', cause: new TypeError('inner') });
        }),
      };
      const program = `
        const error = await remote.runCoroutineThreadsafe('fail').catch((error) => error);
        post([error instanceof asyncio.ValueError, error.message, error.code, error.cause instanceof TypeError]);
      `;
      return yield* s.wait(wrapPromise(workerWith(getRunningLoop(), functions, program).next()));
    });
    expect(await run(main)).toEqual([true, 'too small', 'TOO_SMALL', true]);
  });

  test('can be cancelled, which cancels the task in the other thread', async () => {
    const main = s.fn(function* () {
      const begun = new Event();
      const ended = new Future<unknown>();
      const functions = {
        endless: s.fn(function* () {
          begun.set();
          ended.setResult(yield* failure(s, new Future()));
          throw new CancelledError();
        }),
        begun: s.fn(function* () {
          yield* s.wait(begun.wait());
        }),
      };
      const program = `
        const call = remote.runCoroutineThreadsafe('endless');
        await remote.runCoroutineThreadsafe('begun');
        post([call.cancel(), call.cancelled(), call.done(), (await failureOf(call)).name]);
      `;
      const { next } = workerWith(getRunningLoop(), functions, program);
      const seen = yield* s.wait(wrapPromise(next()));
      return [seen, yield* s.wait(ended)];
    });
    const [seen, cancellation] = await run(main);
    expect(seen).toEqual([true, true, true, 'CancelledError']);
    expect(cancellation).toBeInstanceOf(CancelledError);
  });

  test('is cancelled with the task that awaits it, and by the task in the other thread', async () => {
    const main = s.fn(function* () {
      const begun = new Event();
      const ended = new Future<unknown>();
      const { remote } = connected(getRunningLoop(), {
        endless: s.fn(function* () {
          begun.set();
          ended.setResult(yield* failure(s, new Future()));
        }),
        cancelled: s.fn(function* () {
          throw new CancelledError();
        }),
      });
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(remote.runCoroutineThreadsafe('endless'));
        }),
      );
      yield* s.wait(begun.wait());
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(yield* s.wait(ended)).toBeInstanceOf(CancelledError);
      const call = remote.runCoroutineThreadsafe('cancelled');
      expect(yield* failure(s, call)).toBeInstanceOf(CancelledError);
      return call.cancelled();
    });
    expect(await run(main)).toBe(true);
  });

  test('fails when the function does not exist, and when the result cannot be sent', async () => {
    const main = s.fn(function* () {
      const { remote } = connected(getRunningLoop(), {
        uncloneable: s.fn(function* () {
          return () => 1;
        }),
      });
      return [
        yield* failure(s, remote.runCoroutineThreadsafe('missing' as 'uncloneable')),
        yield* failure(s, remote.runCoroutineThreadsafe('uncloneable')),
      ];
    });
    expect(await run(main)).toMatchObject([
      {
        name: 'RuntimeError',
        code: 'FUNCTION_NOT_EXPOSED',
        message: expect.stringMatching(/expose missing\(\), it exposes uncloneable$/),
      },
      {
        name: 'TypeError',
        code: 'RESULT_NOT_CLONEABLE',
        message: expect.stringMatching(/^the result of uncloneable\(\)/),
      },
    ]);
  });
});

describe('a connection to a loop', () => {
  const endless = async () => {
    await new Future();
  };

  test('that is closed on the side of the loop fails pending calls, and later ones', async () => {
    const program = `
      post([
        (await failureOf(remote.runCoroutineThreadsafe('work'))).code,
        (await failureOf(() => remote.callSoonThreadsafe('work'))).code,
        remote.isClosed(),
      ]);
    `;
    await run(async () => {
      const begun = new Event();
      const work = () => {
        begun.set();
        return endless();
      };
      const { door, next } = workerWith(getRunningLoop(), { work }, program);
      await begun.wait();
      const message = next();
      door.close();
      expect(await message).toEqual(['PORT_CLOSED', 'PORT_CLOSED', true]);
      expect([door.isClosed(), String(door)]).toEqual([true, '<LoopDoor closed tasks=1>']);
    });
  });

  test('closes with the loop, and a program that waits for it gets an error', async () => {
    const loop = newEventLoop();
    const { door, remote } = connected(loop, { endless });
    const call = remote.runCoroutineThreadsafe('endless');
    const failed = failureOf(call);
    loop.close();
    expect(door.isClosed()).toBe(true);
    const error = await failed;
    expect(error).toMatchObject({
      name: 'RuntimeError',
      code: 'PORT_CLOSED',
      message: expect.stringContaining('endless()'),
    });
    expect(remote.isClosed()).toBe(true);
    expect(await failureOf(() => remote.runCoroutineThreadsafe('endless'))).toMatchObject({ code: 'PORT_CLOSED' });
  });

  test('closes when the other thread ends, and its tasks go on', async () => {
    await run(async () => {
      const [begun, released] = [new Event(), new Event()];
      const over = new Future<string>();
      const functions = {
        work: async () => {
          begun.set();
          await released.wait();
          over.setResult('went on');
        },
      };
      const { door, worker } = workerWith(getRunningLoop(), functions, `await remote.runCoroutineThreadsafe('work')`);
      await begun.wait();
      await worker.terminate();
      released.set();
      expect(await over).toBe('went on');
      while (!door.isClosed()) await new Promise(setImmediate);
    });
  });

  test('that is closed on the other side fails pending calls there', async () => {
    await run(async () => {
      const { remote } = connected(getRunningLoop(), { endless });
      const call = remote.runCoroutineThreadsafe('endless');
      const failed = failureOf(call);
      remote.close();
      remote.close();
      expect(await failed).toMatchObject({ code: 'PORT_CLOSED' });
      expect([call.done(), call.cancelled(), call.cancel()]).toEqual([true, false, false]);
    });
  });

  test('refuses arguments that cannot be cloned, and still works', async () => {
    await run(async () => {
      const { remote } = connected(getRunningLoop(), { same: async (x: unknown) => x });
      for (const send of [
        () => remote.callSoonThreadsafe('same', () => 1),
        () => remote.runCoroutineThreadsafe('same', () => 1),
      ])
        expect(await failureOf(send)).toMatchObject({ name: 'TypeError', code: 'ARGUMENT_NOT_CLONEABLE' });
      expect(await remote.runCoroutineThreadsafe('same', 1)).toBe(1);
    });
  });

  test('carries errors as executors do, also as arguments and results', async () => {
    await run(async () => {
      const { remote } = connected(getRunningLoop(), {
        same: async (x: unknown) => x,
        dial: async () => await openConnection('127.0.0.1', 1),
        fail: async (thrown: unknown) => {
          throw thrown;
        },
      });
      expect(await failureOf(remote.runCoroutineThreadsafe('dial'))).toBeInstanceOf(ConnectionRefusedError);
      expect(await remote.runCoroutineThreadsafe('same', [new ValueError('v')])).toEqual([expect.any(ValueError)]);
      expect(await failureOf(remote.runCoroutineThreadsafe('fail', { code: 1 }))).toEqual({ code: 1 });
      const error = new ValueError('circular', { code: 'OWN' });
      Object.assign(error, { cause: error });
      const arrived = (await failureOf(remote.runCoroutineThreadsafe('fail', error))) as Error;
      expect(arrived).toBeInstanceOf(ValueError);
      expect(arrived.cause).toBe(arrived);
    });
  });

  test('brings back whatever a coroutine throws', async () => {
    await run(async () => {
      const { remote } = connected(getRunningLoop(), {
        symbol: async () => {
          throw Symbol('thrown');
        },
        frozen: async () => {
          throw Object.freeze(new Error('frozen'));
        },
      });
      const thrown = [];
      for (const name of ['symbol', 'frozen'] as const)
        thrown.push(await failureOf(remote.runCoroutineThreadsafe(name)));
      expect(thrown).toEqual(['Symbol(thrown)', expect.objectContaining({ message: 'frozen' })]);
    });
  });

  test('refuses by name what would arrive as something else', async () => {
    await run(async () => {
      const { remote } = connected(getRunningLoop(), {
        same: async (x: unknown) => x,
        url: async () => [new URL('a:b')],
      });
      expect(await failureOf(() => remote.runCoroutineThreadsafe('same', { to: new Headers() }))).toMatchObject({
        code: 'ARGUMENT_NOT_CLONEABLE',
        message: expect.stringContaining('arguments[0].to is a Headers, which cannot be cloned'),
      });
      expect(await failureOf(remote.runCoroutineThreadsafe('url'))).toMatchObject({
        code: 'RESULT_NOT_CLONEABLE',
        message: expect.stringContaining('result[0] is a URL, which cannot be cloned'),
      });
    });
  });

  test('ignores messages that are not its own', async () => {
    await run(async () => {
      const loop = getRunningLoop();
      const reports: unknown[] = [];
      loop.setExceptionHandler((_loop, context) => reports.push(context));
      const { port1, port2 } = new MessageChannel();
      const door = exposeLoop(loop, { same: async (x: unknown) => x });
      onTestFinished(() => door.close());
      const remote = connectLoop<{ same(x: unknown): Promise<unknown> }>(door.port);
      for (const message of ['ready', null, undefined, 42, { type: 'run' }, { type: 'closed' }, new Uint8Array(2)])
        door.port.postMessage(message);
      expect(await remote.runCoroutineThreadsafe('same', 1)).toBe(1);
      const other = connectLoop(port2);
      for (const message of ['ready', null, { type: 'closed' }, { type: 'result', id: 1 }]) port1.postMessage(message);
      await new Promise(setImmediate);
      expect([other.isClosed(), reports]).toEqual([false, []]);
      other.close();
      remote.close();
    });
  });

  test('has the types of the functions', async () => {
    const functions = { log: (_line: string) => 1, rest: async (n: number) => n, *steps() {} };
    type Loop = RemoteLoop<typeof functions>;
    expectTypeOf<Loop['callSoonThreadsafe']>().toBeCallableWith('log', 'a');
    const typed = (remote: Loop) => {
      expectTypeOf(remote.runCoroutineThreadsafe('rest', 1)).toEqualTypeOf<RemoteCall<number>>();
      // @ts-expect-error: there is no such function
      remote.callSoonThreadsafe('lug', 'a');
      // @ts-expect-error: it takes a string
      remote.callSoonThreadsafe('log', 1);
    };
    expect(typed).toBeTypeOf('function');
  });
});

describe('bad input', () => {
  test('to exposeLoop is refused', async () => {
    const loop = newEventLoop();
    for (const [a, b, message] of [
      [{}, {}, /an event loop is required/],
      [loop, null, /an object with functions is required, got null/],
      [loop, { f: 42 }, /f must be a function, got 42/],
    ] as const)
      expect(await failureOf(() => exposeLoop(a as never, b as never))).toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(message),
      });
    loop.close();
    expect(await failureOf(() => exposeLoop(loop, {}))).toMatchObject({ code: 'LOOP_CLOSED' });
  });

  test('to connectLoop is refused', async () => {
    for (const port of [null, {}, new LoopDoorLike()]) {
      const error = await failureOf(() => connectLoop(port as never));
      expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining('the port of a LoopDoor') });
    }
    const { port1 } = new MessageChannel();
    expect(connectLoop(port1).isClosed()).toBe(false);
    port1.close();
  });
});

class LoopDoorLike {
  readonly kind = LoopDoor.name;
}
