import {
  allTasks,
  asCompleted,
  Barrier,
  BoundedSemaphore,
  Condition,
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
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
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
      [() => new Queue({ size: 5 } as never), /Queue: there is no option 'size'; write Queue\(\{ maxsize: 5 \}\)/],
      [() => new Semaphore({ count: 2 } as never), /write Semaphore\(\{ value: 2 \}\)/],
      [() => new Barrier({ count: 2 } as never), /write Barrier\(\{ parties: 2 \}\)/],
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
        [() => allTasks(any(5)), 'an event loop was expected, got 5'],
        [() => getRunningLoop().callLater(any({ secs: 5 }), f), 'or { delay: … }'],
        [() => currentTask(any({ lop: 5 })), 'an event loop was expected, got '],
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
