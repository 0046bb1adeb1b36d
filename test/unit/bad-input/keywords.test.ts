import {
  allTasks,
  asCompleted,
  Barrier,
  BoundedSemaphore,
  Condition,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  LifoQueue,
  Lock,
  mapConcurrent,
  newEventLoop,
  on,
  once,
  PriorityQueue,
  pipeTo,
  produce,
  Queue,
  Runner,
  run,
  runCoroutineThreadsafe,
  Semaphore,
  shared,
  sleep,
  Task,
  TaskGroup,
  type TaskOptions,
  Timeout,
  taskGroup,
  timeout,
  timeoutAt,
  wait,
  waitFor,
  wrapFuture,
  wrapPromise,
  writing,
} from 'asyncio-ts';
import { openConnection, StreamReader, StreamReaderProtocol } from 'asyncio-ts/node';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describe('a parameter that Python takes by position and by name', () => {
  test('is the size of a queue', () => {
    for (const Type of [Queue, LifoQueue, PriorityQueue]) {
      expect([new Type({ maxsize: 5 }).maxsize, new Type(5).maxsize, new Type().maxsize]).toEqual([5, 5, 0]);
      expect(new Type({ maxsize: undefined }).maxsize).toBe(0);
    }
    const byLength = (a: string, b: string) => a.length - b.length;
    for (const queue of [
      new PriorityQueue<string>({ maxsize: 2, compare: byLength }),
      new PriorityQueue<string>(2, { compare: byLength }),
      new PriorityQueue<string>({ maxsize: 2 }, { compare: byLength }),
    ]) {
      queue.putNowait('longer');
      queue.putNowait('a');
      expect([queue.full(), queue.getNowait()]).toEqual([true, 'a']);
    }
  });

  test('is whether a queue is shut down at once', () => {
    for (const immediate of [true, { immediate: true }]) {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.shutdown(immediate);
      expect(queue.qsize()).toBe(0);
    }
    const queue = new Queue<number>();
    queue.putNowait(1);
    queue.shutdown(false);
    expect(queue.getNowait()).toBe(1);
  });

  test('is what locks are made with', async () => {
    for (const Type of [Semaphore, BoundedSemaphore]) {
      expect([new Type({ value: 3 }).statistics().value, new Type({ value: 0 }).locked()]).toEqual([3, true]);
    }
    expect(new Barrier({ parties: 3 }).parties).toBe(3);
    const lock = new Lock();
    expect([new Condition({ lock }).lock, new Condition(lock).lock]).toEqual([lock, lock]);
    expect(new Condition({ lock: undefined }).lock).not.toBe(lock);
  });

  test('is named in the error when a wrong name was given', () => {
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [
        () => new Queue({ size: 5 } as never),
        /new Queue: there is no option 'size'; write new Queue\(\{ maxsize: 5 \}\)/,
      ],
      [() => new Semaphore({ count: 2 } as never), /write new Semaphore\(\{ value: 2 \}\)/],
      [() => new Barrier({ count: 2 } as never), /write new Barrier\(\{ parties: 2 \}\)/],
      [() => new Condition({ lck: 1 } as never), /write new Condition\(\{ lock: new Lock\(\) \}\)/],
      [
        () => new PriorityQueue({ maxsiz: 1, compare: () => 0 } as never),
        /write new PriorityQueue\(\{ maxsize: 1 \}\)/,
      ],
      [
        () => new PriorityQueue(1, { compar: () => 0 } as never),
        /write \{ compare: … \}; its options are maxsize, compare/,
      ],
      [() => new Condition().notify({ m: 1 } as never), /write notify\(\{ n: 1 \}\)/],
    ];
    for (const [call, message] of wrong) expect(call).toThrow(message);
  });
});

describeBoth('what Python programmers write by habit', (s) => {
  test(
    'works where a position or a name can be meant',
    program(s, function* () {
      expect(yield* failure(s, waitFor(sleep(60), { timeout: 1 }))).toMatchObject({ name: 'TimeoutError' });
      expect(yield* s.wait(waitFor(sleep(1, 'done'), { timeout: null }))).toBe('done');
      const condition = new Condition();
      const waiting = [1, 2, 3].map(() => createTask(condition.with(() => condition.wait())));
      yield* s.wait(sleep(1));
      yield* s.wait(
        condition.with(
          s.fn(function* () {
            condition.notify({ n: 2 });
          }),
        ),
      );
      yield* s.wait(sleep(1));
      expect(waiting.map((task) => task.done())).toEqual([true, true, false]);
      waiting[2]!.cancel();
    }),
  );

  test(
    'gives times by name as by position',
    program(s, function* () {
      const loop = getRunningLoop();
      const start = loop.time();
      yield* s.wait(sleep({ delay: 1 }));
      yield* s.wait(sleep({ delay: { milliseconds: 500 } }));
      expect(loop.time() - start).toBeCloseTo(1.5);
      expect(yield* s.wait(sleep({ delay: 1, result: 'named' }))).toBe('named');
      expect(yield* s.wait(sleep({ delay: 0, result: 'named' }))).toBe('named');
      expect(yield* s.wait(sleep(1, { result: 'named' }))).toBe('named');
      expect(yield* s.wait(sleep({ seconds: 1 }, { result: 'named' }))).toBe('named');
      expect(yield* s.wait(sleep(0, { result: 'named' }))).toBe('named');

      const body = s.fn(function* () {
        yield* s.wait(sleep(60));
      });
      const limits = [
        () => timeout({ delay: 1 }, body),
        () => timeout({ delay: { seconds: 1 } }, body),
        () => timeoutAt({ when: loop.time() + 1 }, body),
        () =>
          timeout(
            { delay: null },
            s.fn(function* (limit: Timeout) {
              limit.reschedule({ when: loop.time() + 1 });
              yield* s.wait(sleep(60));
            }),
          ),
      ];
      for (const limited of limits) {
        const begun = loop.time();
        expect(yield* failure(s, limited())).toMatchObject({ name: 'TimeoutError' });
        expect(loop.time() - begun).toBeCloseTo(1);
      }
      expect([new Timeout({ when: 5 }).when(), new Timeout({ when: null }).when()]).toEqual([5, null]);
      expect([timeout({ delay: null }).when(), timeoutAt({ when: 5 }).when()]).toEqual([null, 5]);
      yield* s.wait(loop.shutdownDefaultExecutor({ timeout: 1 }));
    }),
  );

  test(
    'gives results, and messages of cancellations, that are objects as they are',
    program(s, function* () {
      for (const result of [{}, { result: 1, other: 2 }, { delay: 1 }, [1], new Map([['result', 1]])]) {
        expect(yield* s.wait(sleep(1, result))).toBe(result);
        expect(yield* s.wait(sleep(0, result))).toBe(result);
        expect(yield* s.wait(sleep(1, { result }))).toBe(result);
      }
      for (const message of [{}, { msg: 'late', other: 1 }, { message: 'late' }]) {
        const future = new Future<void>();
        future.cancel(message);
        expect(future.cancelMessage).toBe(message);
      }
    }),
  );

  test(
    'names the message of a cancellation as Python does',
    program(s, function* () {
      const future = new Future<void>();
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(60));
        }),
      );
      yield* s.wait(sleep(0));
      for (const cancelled of [future, task]) {
        cancelled.cancel({ msg: 'late' });
        expect(yield* failure(s, cancelled)).toMatchObject({ name: 'CancelledError', message: 'late' });
      }
    }),
  );

  test(
    'asks for the tasks of a loop by its name',
    program(s, function* () {
      const loop = getRunningLoop();
      const other = newEventLoop();
      expect(currentTask({ loop })).toBe(currentTask());
      expect(currentTask({ loop: null })).toBe(currentTask());
      expect(currentTask({ loop: other })).toBeNull();
      expect([allTasks({ loop }).size, allTasks({ loop }).has(currentTask()!)]).toEqual([allTasks().size, true]);
      expect(allTasks({ loop: other }).size).toBe(0);
      other.close();
      yield* s.wait(sleep(0));
    }),
  );

  test(
    'is answered with what to write where it cannot',
    program(s, function* () {
      const f = async () => 1;
      const done = createTask(f);
      const any = (value: unknown) => value as never;
      const wrong: readonly (readonly [() => unknown, string])[] = [
        [() => gather(f, f, any({ returnExceptions: true })), 'gather([f, g], { returnExceptions: true })'],
        [() => gather(f, any({ returnExceptions: true })), 'gather([f], { returnExceptions: true })'],
        [() => gather(f, any({ return_exceptions: true })), '{ returnExceptions: … }'],
        [() => gather([f], any({ return_exceptions: true })), '{ returnExceptions: … }'],
        [() => gather([f], any(true)), '{ returnExceptions: true }'],
        [() => gather([f], any([f])), 'gather([...tasks, ...others])'],
        [() => wait([done], any(5)), '{ timeout: 5 }'],
        [() => wait([done], any({ return_when: 'ALL_COMPLETED' })), '{ returnWhen: … }'],
        [() => asCompleted([done], any(5)), '{ timeout: 5 }'],
        [() => taskGroup(f, any(5)), '{ limit: 5 }'],
        [() => new TaskGroup(any(5)), '{ limit: 5 }'],
        [() => mapConcurrent([1], f, any(5)), '{ limit: 5 }'],
        [() => shared(f, any(true)), '{ keep: true }'],
        [() => produce(any(f), any(5)), '{ buffer: 5 }'],
        [
          () =>
            wrapPromise(
              f(),
              any(() => {}),
            ),
          '{ onCancel: ',
        ],
        [() => createTask(f, any('name')), "{ name: 'name' }"],
        [() => createTask(f, any({ eager_start: true })), '{ eagerStart: … }'],
        [() => new Task(f, any('name')), "{ name: 'name' }"],
        [() => new Runner(any(true)), '{ debug: true }'],
        [() => new Runner(any({ loop_factory: newEventLoop })), '{ loopFactory: … }'],
        [() => getRunningLoop().createTask(f, any('name')), "{ name: 'name' }"],
        [() => createTask(f, any(copyContext())), '{ name, context'],
        [() => new Future(any(getRunningLoop())), '{ loop }'],
        [() => ensureFuture(done, any(getRunningLoop())), '{ loop }'],
        [() => wrapFuture(done, any(getRunningLoop())), '{ loop }'],
        [() => done.addDoneCallback(f, any(copyContext())), '{ context }'],
        [() => done.getStack(any(5)), '{ limit: 5 }'],
        [() => done.printStack(any(5)), '{ limit: 5 }'],
        [() => sleep(any({ dealy: 5 })), 'or { delay: … }'],
        [() => sleep(any({ delay: 5, value: 1 })), "no unit of time 'delay'"],
        [() => sleep(any({ seconds: 5, milisecond: 1 })), "no unit of time 'milisecond'"],
        [() => timeout(any({ timeout: 5 }), f), 'or { delay: … }'],
        [() => timeout({ delay: any({ second: 5 }) }, f), "no unit of time 'second'"],
        [() => timeout(any(f), any(5)), 'write timeout(5, body)'],
        [() => timeoutAt(any({ deadline: 5 }), f), 'or { when: … }'],
        [() => timeoutAt(any(f)), 'write timeoutAt(seconds, body)'],
        [() => new Timeout(any({ delay: 5 })), 'or { when: … }'],
        [() => waitFor(done, any({ delay: 5 })), 'or { timeout: … }'],
        [() => allTasks(any(5)), 'allTasks: an event loop is required, got 5; leave it out'],
        [() => getRunningLoop().callLater(any({ secs: 5 }), f), 'or { delay: … }'],
        [() => currentTask(any({ lop: 5 })), 'currentTask: an event loop is required, got '],
        [() => getRunningLoop().shutdownDefaultExecutor(any({ limit: 5 })), 'or { timeout: … }'],
      ];
      for (const [call, says] of wrong) expect(call).toThrow(says);
      yield* s.wait(done);
    }),
  );

  test(
    'is answered where events and streams are wrapped',
    program(s, function* () {
      const any = (value: unknown) => value as never;
      const target = new EventTarget();
      const stream = new WritableStream();
      const wrong: readonly (readonly [() => unknown, string])[] = [
        [() => on(target, 'x', any('end')), "{ close: 'end' }"],
        [() => once(target, 'x', any(true)), '{ capture: true }'],
        [() => pipeTo([1], stream, any(true)), '{ preventClose: true }'],
        [() => pipeTo([1], stream, any({ prevent_abort: true })), '{ preventAbort: … }'],
        [() => writing(stream, async () => {}, any(true)), '{ preventClose: true }'],
      ];
      for (const [call, says] of wrong) expect(call).toThrow(says);
      yield* s.wait(sleep(0));
    }),
  );

  test(
    'gives a loop, and debug mode, by name as by position',
    program(s, function* () {
      const loop = getRunningLoop();
      expect(yield* s.wait(wrapPromise(runCoroutineThreadsafe(sleep(0, 'a'), { loop })))).toBe('a');
      expect(yield* s.wait(wrapPromise(runCoroutineThreadsafe(sleep(0, 'b'), loop)))).toBe('b');
      expect(() => runCoroutineThreadsafe(sleep(0), undefined as never)).toThrow(
        'write runCoroutineThreadsafe(f, loop)',
      );
      const other = newEventLoop();
      other.setDebug({ enabled: true });
      expect(other.getDebug()).toBe(true);
      other.setDebug({ enabled: false });
      expect(other.getDebug()).toBe(false);
      other.close();
    }),
  );

  test('is answered by run, too', async () => {
    const main = async () => {};
    await expect(run(main, true as never)).rejects.toThrow('{ debug: true }');
    await expect(run(main, { loop_factory: newEventLoop } as never)).rejects.toThrow('{ loopFactory: … }');
  });
});

describeBoth('a misspelt option', (s) => {
  const any = (value: unknown) => value as never;
  const target = new EventTarget();
  const reader = () => new StreamReader({ loop: getRunningLoop() });
  const calls: Readonly<Record<string, readonly [call: (options: unknown) => unknown, wrong: string, right: string]>> =
    {
      gather: [(o) => gather([], any(o)), 'returnException', 'returnExceptions'],
      wait: [(o) => wait([new Future()], any(o)), 'timout', 'timeout'],
      waitFor: [(o) => waitFor(new Future(), any(o)), 'timout', 'timeout'],
      asCompleted: [(o) => asCompleted([], any(o)), 'timeOut', 'timeout'],
      wrapPromise: [(o) => wrapPromise(Promise.resolve(), any(o)), 'onlate', 'onLate'],
      taskGroup: [(o) => taskGroup(async () => {}, any(o)), 'limti', 'limit'],
      TaskGroup: [(o) => new TaskGroup(any(o)), 'limits', 'limit'],
      createTask: [(o) => createTask(async () => {}, any(o)), 'eager', 'eagerStart'],
      Task: [(o) => new Task(async () => {}, any(o)), 'nam', 'name'],
      Future: [(o) => new Future(any(o)), 'lop', 'loop'],
      addDoneCallback: [(o) => new Future().addDoneCallback(() => {}, any(o)), 'contxt', 'context'],
      shared: [(o) => shared(async () => {}, any(o)), 'keeep', 'keep'],
      produce: [(o) => produce(async () => {}, any(o)), 'bufer', 'buffer'],
      mapConcurrent: [
        (o) => mapConcurrent([], async () => {}, any({ limit: 1, ...(o as object) })),
        'order',
        'ordered',
      ],
      once: [(o) => once(target, 'x', any(o)), 'captur', 'capture'],
      on: [(o) => on(target, 'x', any(o)), 'closes', 'close'],
      writing: [(o) => writing(new WritableStream(), async () => {}, any(o)), 'preventclose', 'preventClose'],
      pipeTo: [(o) => pipeTo([], new WritableStream(), any(o)), 'prevent_abort', 'preventAbort'],
      shutdown: [(o) => new Queue().shutdown(any(o)), 'imediate', 'immediate'],
      ContextVar: [(o) => new ContextVar('v', any(o)), 'defalt', 'default'],
      EventLoop: [(o) => newEventLoop(any(o)), 'hosts', 'host'],
      Runner: [(o) => new Runner(any(o)), 'debgu', 'debug'],
      StreamReader: [(o) => new StreamReader(any(o)), 'limt', 'limit'],
      StreamReaderProtocol: [(o) => new StreamReaderProtocol(reader(), null, any(o)), 'onTasks', 'onTask'],
      read: [(o) => reader().read(any(o)), 'encodng', 'encoding'],
      readline: [(o) => reader().readline(any(o)), 'error', 'errors'],
      readuntil: [(o) => reader().readuntil(any(o)), 'seperator', 'separator'],
      lines: [(o) => reader().lines(any(o)), 'keepends', 'keepEnds'],
    };

  for (const [name, [call, wrong, right]] of Object.entries(calls)) {
    test(
      `of ${name} is an error at once, which tells the right one`,
      program(s, function* () {
        const error = thrownBy(() => call({ [wrong]: 1 })) as Error;
        expect(error).toBeInstanceOf(TypeError);
        expect(error).toMatchObject({ code: 'UNKNOWN_OPTION' });
        expect(error.message).toContain(`${name}: there is no option '${wrong}'; write { ${right}: … }; its `);
        expect(error.message.split('; its ')[1]).toContain(right);
        const unlike = thrownBy(() => call({ [wrong]: 1, qqqqqqqqqqqq: 1 })) as Error;
        expect(unlike.message).toContain(`'${wrong}'`);
      }),
    );
  }

  test('of run() and Runner.run() rejects at once', async () => {
    const main = s.fn(function* () {});
    await expect(run(main, { debgu: true } as never)).rejects.toThrow(
      "run: there is no option 'debgu'; write { debug: … }",
    );
    const runner = new Runner();
    await expect(runner.run(main, { nam: 'x' } as never)).rejects.toThrow('write { name: … }');
    await runner.close();
  });

  test(
    'that functions of others have, `timeout` or `signal`, is answered with what does that here',
    program(s, function* () {
      expect(() => gather([new Future()], any({ timeout: 1 }))).toThrow(
        "gather: there is no option 'timeout'; write timeout(5, () => gather(…)); its only option is",
      );
      expect(() => openConnection('127.0.0.1', 1, any({ timeout: 1 }))).toThrow(
        'write timeout(5, () => openConnection(…)); its options are',
      );
      expect(() => taskGroup(async () => {}, any({ signal: new AbortController().signal }))).toThrow(
        'write createTask(() => taskGroup(…), { signal }); its only option is limit',
      );
    }),
  );

  test(
    'that functions of others have is answered with the options alone where neither `timeout` nor `createTask` can be around the call',
    program(s, function* () {
      const { signal } = new AbortController();
      expect(() => on(new EventTarget(), 'message', any({ signal }))).toThrow(
        "on: there is no option 'signal'; its options",
      );
      expect(() => mapConcurrent([1], async () => {}, any({ timeout: 1 }))).toThrow(
        "mapConcurrent: there is no option 'timeout'; its options are",
      );
      expect(() => asCompleted([], any({ signal }))).toThrow(
        "asCompleted: there is no option 'signal'; its only option",
      );
    }),
  );

  test('`timeout` of run() and runVirtual() is answered with their options: neither runs inside a timeout', async () => {
    const main = async () => {};
    await expect(run(main, any({ timeout: 1 }))).rejects.toThrow("run: there is no option 'timeout'; its options are");
    await expect((async () => await runVirtual(main, any({ timeout: 1 })))()).rejects.toThrow(
      "runVirtual: there is no option 'timeout'; its options are",
    );
  });

  test(
    'that is like none is answered with those that there are',
    program(s, function* () {
      expect(() => wait([new Future()], any({ colour: 1 }))).toThrow(
        "wait: there is no option 'colour'; its options are timeout, returnWhen",
      );
    }),
  );

  test(
    'is not one that is given as undefined, and a task factory may have options of its own',
    program(s, function* () {
      expect(yield* s.wait(gather([], any({ returnExceptions: undefined, other: undefined })))).toEqual([]);
      const loop = getRunningLoop();
      const seen: unknown[] = [];
      loop.setTaskFactory((itsLoop, coro, options) => {
        const { priority, ...others } = options as TaskOptions & { readonly priority: number };
        seen.push(priority);
        return new Task(coro, { ...others, loop: itsLoop });
      });
      yield* s.wait(
        loop.createTask(
          s.fn(function* () {}),
          any({ priority: 3, name: 'important' }),
        ),
      );
      loop.setTaskFactory(null);
      expect(seen).toEqual([3]);
    }),
  );

  test(
    'is not the only mistake: objects that are no options are reported as such',
    program(s, function* () {
      const { signal } = new AbortController();
      expect(() => createTask(async () => {}, any(signal))).toThrow(
        'createTask: options are one object at the end, got',
      );
      expect(() => wait([new Future()], any([5]))).toThrow('wait: options are one object at the end, got');
    }),
  );

  test(
    'is an error as much as a callback that is none',
    program(s, function* () {
      const promise = Promise.resolve();
      expect(() => wrapPromise(promise, { onCancel: 3 as never })).toThrow(
        'wrapPromise: onCancel must be a function, got 3',
      );
      expect(() => wrapPromise(promise, { onLate: 'x' as never })).toThrow('wrapPromise: onLate must be a function');
      expect(() => new Runner({ loopFactory: 3 as never })).toThrow('Runner: loopFactory must be a function, got 3');
      expect(() => createTask(async () => {}, { signal: 3 as never })).toThrow('signal must be an AbortSignal, got 3');
      expect(() => createTask(async () => {}, { signal: new AbortController() as never })).toThrow(
        'write { signal: controller.signal }',
      );
    }),
  );
});

describe('the types of sleep', () => {
  test('give the result that was named', () => {
    const typesOnly = () => {
      expectTypeOf(sleep(1)).resolves.toEqualTypeOf<void>();
      expectTypeOf(sleep({ seconds: 1 })).resolves.toEqualTypeOf<void>();
      expectTypeOf(sleep({ delay: 1 })).resolves.toEqualTypeOf<void>();
      expectTypeOf(sleep({ delay: 1, result: 'x' })).resolves.toEqualTypeOf<string>();
      expectTypeOf(sleep(1, 'x')).resolves.toEqualTypeOf<string>();
      expectTypeOf(sleep(1, { result: 'x' })).resolves.toEqualTypeOf<string>();
      expectTypeOf(sleep(1, { result: 'x', other: 1 })).resolves.toEqualTypeOf<{ result: string; other: number }>();
    };
    expect(typesOnly).toBeTypeOf('function');
  });
});

describe('the types of asCompleted', () => {
  test('give tasks back as tasks, and futures as futures', () => {
    const typesOnly = (tasks: Task<number>[], futures: Future<string>[], functions: (() => Promise<boolean>)[]) => {
      expectTypeOf(asCompleted(tasks).nextFuture()).resolves.toExtend<IteratorResult<Task<number>, undefined>>();
      expectTypeOf(asCompleted(futures).nextFuture()).resolves.toExtend<IteratorResult<Future<string>, undefined>>();
      expectTypeOf(asCompleted(functions).nextFuture()).resolves.toExtend<IteratorResult<Task<boolean>, undefined>>();
      for (const next of asCompleted(tasks)) expectTypeOf(next).resolves.toEqualTypeOf<number>();
    };
    expect(typesOnly).toBeTypeOf('function');
  });
});
