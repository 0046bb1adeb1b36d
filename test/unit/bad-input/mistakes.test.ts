import {
  allTasks,
  asCompleted,
  copyContext,
  coroutine,
  createTask,
  currentTask,
  EventLoop,
  ExceptionGroup,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  InvalidStateError,
  RuntimeError,
  run,
  runCoroutineThreadsafe,
  shield,
  sleep,
  Task,
  TaskGroup,
  taskGroup,
  timeout,
  timeoutAt,
  ValueError,
  wait,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** Something that a user gets wrong, and what the error must be. */
interface Mistake {
  /** Makes the mistake, inside a task; gives the error. */
  readonly make: (s: Spelling) => Generator<unknown, unknown, unknown>;
  readonly error: abstract new (...args: never[]) => Error;
  readonly code: string;
  /** What the message must name: what was given, the state it found, the fix. */
  readonly says: readonly string[];
}

/** A mistake whose error is thrown at once, by a call. */
function thrown(call: () => unknown, error: Mistake['error'], code: string, ...says: string[]): Mistake {
  const make = function* () {
    return thrownBy(call);
  };
  return { make, error, code, says };
}

/** A mistake whose error comes where something is awaited. */
function raised(make: (s: Spelling) => unknown, error: Mistake['error'], code: string, ...says: string[]): Mistake {
  const fail = function* (s: Spelling) {
    return yield* failure(s, make(s));
  };
  return { make: fail, error, code, says };
}

/** A mistake whose error an awaitable gives. */
function found(make: (s: Spelling) => unknown, error: Mistake['error'], code: string, ...says: string[]): Mistake {
  const find = function* (s: Spelling) {
    return yield* s.wait(make(s));
  };
  return { make: find, error, code, says };
}

/** A call with a delay that is `NaN`. */
function notANumber(call: () => unknown, parameter: string): Mistake {
  return thrown(call, ValueError, 'INVALID_DELAY', `Invalid ${parameter}`, 'NaN', 'number of seconds');
}

/** A loop that is not the one that runs. */
function otherLoop(): EventLoop {
  return new EventLoop({ host: new VirtualHost() });
}

/** Work that a closed loop is given. */
function onClosedLoop(work: (loop: EventLoop) => unknown): Mistake {
  const call = () => {
    const loop = otherLoop();
    loop.close();
    work(loop);
  };
  return thrown(call, RuntimeError, 'LOOP_CLOSED', 'Event loop is closed', 'use a new one');
}

function* fetchUser() {
  yield* sleep(0);
}
const lazyUser = coroutine(fetchUser);
async function* asyncGenerator() {}
function load() {
  return 42;
}
const settled = (settle: (future: Future<number>) => void) => {
  const future = new Future<number>();
  settle(future);
  return future;
};
const self = () => currentTask() as Future<unknown>;
const aFunction = 'async function or a generator function';

const noContext = [TypeError, 'NOT_A_CONTEXT', 'a context was expected', 'copyContext()'] as const;

const mistakes: Record<string, Record<string, Mistake>> = {
  'a coroutine that is awaited twice': {
    'a lazy one': raised(
      (s) => awaitedTwice(s, lazyUser()),
      RuntimeError,
      'COROUTINE_REUSED',
      ...['fetchUser()', 'already awaited', 'call fetchUser() again for each await'],
    ),
    'one of the library': raised(
      (s) => awaitedTwice(s, sleep(0)),
      RuntimeError,
      'COROUTINE_REUSED',
      'sleep',
      'already awaited',
    ),
    'by two tasks': thrown(
      () => {
        const user = fetchUser();
        createTask(user);
        createTask(user);
      },
      RuntimeError,
      'COROUTINE_REUSED',
      ...['already awaited', 'call its function again'],
    ),
  },

  'a future of another loop': {
    'that is awaited': raised(
      () => new Future({ loop: otherLoop() }),
      RuntimeError,
      'DIFFERENT_LOOP',
      ...['<Task pending', '<Future pending', 'attached to a different loop', 'wait for it on its own loop'],
    ),
    'given to ensureFuture with a loop': thrown(
      () => ensureFuture(new Future(), { loop: otherLoop() }),
      ValueError,
      'DIFFERENT_LOOP',
      'belongs to a different loop',
    ),
    'given to gather beside another one': thrown(
      () => gather(new Future(), new Future({ loop: otherLoop() })),
      ValueError,
      'DIFFERENT_LOOP',
      'belongs to a different loop',
    ),
  },

  'a task that waits for itself': {
    'by awaiting it': raised(narcissus, RuntimeError, 'AWAITS_ITSELF', 'cannot await on itself', "'narcissus'"),
  },

  'a delay that is not a number': {
    'of sleep': notANumber(() => sleep(Number.NaN), 'delay'),
    'of callLater': notANumber(() => getRunningLoop().callLater(Number.NaN, () => {}), 'delay'),
    'of callAt': notANumber(() => getRunningLoop().callAt(Number.NaN, () => {}), 'when'),
    'of timeout': notANumber(() => timeout(Number.NaN, fetchUser), 'delay'),
    'of timeoutAt': notANumber(() => timeoutAt(Number.NaN, fetchUser), 'when'),
    'of waitFor': notANumber(() => waitFor(new Future(), Number.NaN), 'timeout'),
    'of wait': notANumber(() => wait([new Future()], { timeout: Number.NaN }), 'timeout'),
    'of asCompleted': notANumber(() => asCompleted([new Future()], { timeout: Number.NaN }), 'timeout'),
    'but a string': thrown(
      () => sleep('5' as never),
      TypeError,
      'INVALID_DELAY',
      ...["got '5'", 'number of seconds', '{ milliseconds: 500 }'],
    ),
    'but null': thrown(() => sleep(null as never), TypeError, 'INVALID_DELAY', 'null', 'number of seconds'),
    'but in a unit nobody knows': thrown(
      () => sleep({ fortnights: 1 } as never),
      TypeError,
      'INVALID_DELAY',
      '{ milliseconds: 500 }',
    ),
    'but a string in a unit': thrown(
      () => sleep({ minutes: '5' } as never),
      TypeError,
      'INVALID_DELAY',
      ...["got '5'", 'number of minutes'],
    ),
  },

  'a run inside a running loop': {
    'by run()': raised(
      () => createTask(() => run(async () => {})),
      RuntimeError,
      'LOOP_RUNNING',
      ...['asyncio.run()', 'running event loop', 'await the coroutine instead', 'write await main()'],
    ),
    'by runUntilComplete() of the same loop': raised(
      () => createTask(() => getRunningLoop().runUntilComplete(sleep(1))),
      RuntimeError,
      'LOOP_RUNNING',
      'already running',
    ),
    'by runUntilComplete() of another loop': raised(
      () => createTask(() => otherLoop().runUntilComplete(sleep(1))),
      RuntimeError,
      'LOOP_RUNNING',
      'while another loop is running',
    ),
  },

  'work on a closed loop': {
    'by callSoon': onClosedLoop((loop) => loop.callSoon(() => {})),
    'by callLater': onClosedLoop((loop) => loop.callLater(1, () => {})),
    'by callAt': onClosedLoop((loop) => loop.callAt(1, () => {})),
    'by createTask': onClosedLoop((loop) => loop.createTask(fetchUser())),
    'by runInExecutor': onClosedLoop((loop) => loop.runInExecutor(null, () => {})),
    'by runOnce': onClosedLoop((loop) => loop.runOnce()),
  },

  'what cannot be awaited': {
    'given to gather': thrown(
      () => gather(sleep(0), 42 as never),
      TypeError,
      'NOT_AWAITABLE',
      ...['argument 2', '42', 'awaitable'],
    ),
    'given to waitFor': thrown(() => waitFor('text' as never), TypeError, 'NOT_AWAITABLE', "'text'", 'awaitable'),
    'but a time, given to waitFor in front': thrown(
      () => waitFor(5 as never, sleep(1) as never),
      TypeError,
      'NOT_AWAITABLE',
      ...['got 5', 'write waitFor(task, 5)'],
    ),
    'given to shield': thrown(() => shield({} as never), TypeError, 'NOT_AWAITABLE', '<Object object>', 'awaitable'),
    'given to ensureFuture': thrown(() => ensureFuture(null as never), TypeError, 'NOT_AWAITABLE', 'null', 'awaitable'),
    'given to asCompleted': thrown(() => asCompleted([42] as never), TypeError, 'NOT_AWAITABLE', '42', 'awaitable'),
    'given to wait': thrown(() => wait([42] as never), TypeError, 'NOT_A_FUTURE', '42', 'future or task'),
    'but a promise, given to wait': thrown(
      () => wait([Promise.resolve()] as never),
      TypeError,
      'NOT_A_FUTURE',
      ...['got <promise>', 'write wait([createTask(f)])'],
    ),
    'given to wrapPromise': thrown(() => wrapPromise(42 as never), TypeError, 'NOT_AWAITABLE', '42', 'promise'),
  },

  'nothing to wait for': {
    'given to wait': thrown(() => wait([]), ValueError, 'NOTHING_TO_WAIT_FOR', 'empty'),
    'but a coroutine': thrown(
      () => wait([sleep(1)] as never),
      TypeError,
      'NOT_A_FUTURE',
      ...['coroutines is forbidden', 'wait([createTask('],
    ),
    'but a single task': thrown(
      () => wait(self() as never),
      TypeError,
      'NOT_A_FUTURE',
      ...['list of futures', '<Task pending'],
    ),
    'in a way nobody knows': thrown(
      () => wait([new Future()], { returnWhen: 'SOME' as never }),
      ValueError,
      'INVALID_VALUE',
      ...["'SOME'", 'FIRST_COMPLETED'],
    ),
  },

  'an argument of the function, given to createTask': {
    'as with setTimeout': thrown(
      () => createTask(load as never, 5 as never),
      TypeError,
      'INVALID_ARGUMENT',
      ...['got 5', 'write createTask(() => f(5))'],
    ),
  },

  'a task of a group that does not take any': {
    'because it was made by hand': thrown(
      () => new TaskGroup().createTask(fetchUser),
      RuntimeError,
      'TASK_GROUP_NOT_OPEN',
      ...['has not been entered', 'write taskGroup(async (group) =>'],
    ),
    'because it is over': raised(
      (s) =>
        createTask(
          s.fn(function* () {
            let group: TaskGroup | undefined;
            yield* s.wait(
              taskGroup(
                s.fn(function* (open: TaskGroup) {
                  group = open;
                }),
              ),
            );
            group!.createTask(fetchUser);
          }),
        ),
      RuntimeError,
      'TASK_GROUP_NOT_OPEN',
      ...['is finished', 'while its body or one of its tasks runs'],
    ),
  },

  'what is no coroutine': {
    'given to createTask': thrown(
      () => createTask(42 as never),
      TypeError,
      'NOT_A_COROUTINE',
      '42',
      'async or a generator',
    ),
    'but a task, given to createTask': thrown(
      () => createTask(self() as never),
      TypeError,
      'NOT_A_COROUTINE',
      ...['<Task pending', 'runs already', 'ensureFuture()'],
    ),
    'but an async generator, given to createTask': thrown(
      () => createTask(asyncGenerator() as never),
      TypeError,
      'NOT_A_COROUTINE',
      'async generator',
    ),
    'but what a function returns': raised(
      () => createTask(load as never),
      TypeError,
      'NOT_A_COROUTINE',
      ...['load()', 'returned 42', aFunction],
    ),
    'given to coroutine()': thrown(() => coroutine(42 as never), TypeError, 'NOT_A_COROUTINE', '42', aFunction),
    'given to taskGroup': thrown(() => taskGroup(42 as never), TypeError, 'NOT_A_COROUTINE', '42', aFunction),
    'given to timeout': thrown(() => timeout(1, 42 as never), TypeError, 'NOT_A_COROUTINE', '42', aFunction),
  },

  'what is no event loop': {
    'but none at all, given to runCoroutineThreadsafe': thrown(
      () => runCoroutineThreadsafe(fetchUser, undefined as never),
      TypeError,
      'NOT_A_LOOP',
      ...['runCoroutineThreadsafe: an event loop is required, got undefined', 'runCoroutineThreadsafe(f, loop)'],
    ),
    'given to allTasks': thrown(
      () => allTasks(3 as never),
      TypeError,
      'NOT_A_LOOP',
      'allTasks',
      'got 3',
      'leave it out',
    ),
    'given to currentTask': thrown(
      () => currentTask({} as never),
      TypeError,
      'NOT_A_LOOP',
      'currentTask',
      'leave it out',
    ),
    'given to a future': thrown(() => new Future({ loop: 3 as never }), TypeError, 'NOT_A_LOOP', 'Future', 'got 3'),
    'given to wrapPromise': thrown(
      () => wrapPromise(Promise.resolve(), { loop: 'x' as never }),
      TypeError,
      'NOT_A_LOOP',
      "got 'x'",
    ),
  },

  'a group of errors': {
    'without errors': thrown(
      () => new ExceptionGroup('m', undefined as never),
      TypeError,
      'INVALID_ARGUMENT',
      ...["got 'm' and undefined", "new ExceptionGroup('what failed', [error])"],
    ),
    'without a message': thrown(
      () => new ExceptionGroup([new Error('e')] as never, undefined as never),
      TypeError,
      'INVALID_ARGUMENT',
      "new ExceptionGroup('what failed', [error])",
    ),
    'of letters': thrown(() => new ExceptionGroup('m', 'abc' as never), TypeError, 'INVALID_ARGUMENT', "'abc'"),
    'split by what is neither a class nor a function': thrown(
      () => new ExceptionGroup('m', [new Error('e')]).split(3 as never),
      TypeError,
      'NOT_CALLABLE',
      ...['got 3', 'group.split(TypeError)'],
    ),
    'of which a part is asked for by nothing': thrown(
      () => new ExceptionGroup('m', [new Error('e')]).subgroup(undefined as never),
      TypeError,
      'NOT_CALLABLE',
      'got undefined',
    ),
  },

  'what is no function, to be run in a context': {
    'by run()': thrown(
      () => copyContext().run(3 as never),
      TypeError,
      'NOT_CALLABLE',
      ...['Context.run', 'got 3', 'context.run(f'],
    ),
  },

  'what is no context': {
    'given to createTask': thrown(() => createTask(fetchUser, { context: 42 as never }), ...noContext),
    'given to createTask with a coroutine': thrown(
      () => createTask(fetchUser(), { context: {} as never }),
      ...noContext,
    ),
    'given to new Task': thrown(() => new Task(fetchUser, { context: 'x' as never }), ...noContext),
    'given to a group': found(
      (s) => {
        const body = s.fn(function* (group: TaskGroup) {
          return thrownBy(() => group.createTask(fetchUser, { context: new Map() as never }));
        });
        return taskGroup(body);
      },
      ...noContext,
    ),
    'given to callSoonIn': thrown(() => getRunningLoop().callSoonIn(42 as never, load), ...noContext),
    'given to callLaterIn': thrown(() => getRunningLoop().callLaterIn(42 as never, 1, load), ...noContext),
    'given to callAtIn': thrown(() => getRunningLoop().callAtIn(42 as never, 1, load), ...noContext),
    'given to addDoneCallback': thrown(
      () => new Future().addDoneCallback(load, { context: 42 as never }),
      ...noContext,
    ),
  },

  'a future at the wrong time': {
    'by setResult twice': thrown(
      () => settled((future) => future.setResult(1)).setResult(2),
      InvalidStateError,
      'ALREADY_DONE',
      ...['<Future finished result=1', 'only once'],
    ),
    'by setException after a cancellation': thrown(
      () => settled((future) => future.cancel()).setException(new Error('late')),
      InvalidStateError,
      'ALREADY_DONE',
      ...['<Future cancelled', 'only once'],
    ),
    'by result() too early': thrown(
      () => new Future().result(),
      InvalidStateError,
      'NOT_DONE',
      ...['Result is not ready', '<Future pending', 'await it', 'done()'],
    ),
    'by exception() too early': thrown(
      () => new Future().exception(),
      InvalidStateError,
      'NOT_DONE',
      ...['Exception is not set', '<Future pending', 'await it', 'done()'],
    ),
    'by setResult of a task': thrown(
      () => self().setResult(1),
      RuntimeError,
      'IS_A_TASK',
      'its result is what its coroutine returns',
    ),
    'by setException of a task': thrown(
      () => self().setException(new Error('mine')),
      RuntimeError,
      'IS_A_TASK',
      'its error is what its coroutine throws',
    ),
  },
};

/** A coroutine that awaits another one twice. */
function awaitedTwice(s: Spelling, awaitable: unknown) {
  const body = s.fn(function* () {
    yield* s.wait(awaitable);
    yield* s.wait(awaitable);
  });
  return body();
}

/** A task that awaits itself. */
function narcissus(s: Spelling) {
  const body = s.fn(function* () {
    yield* s.wait(currentTask());
  });
  return createTask(body, { name: 'narcissus' });
}

for (const [subject, cases] of Object.entries(mistakes)) {
  describeBoth(subject, (s) => {
    for (const [what, { make, error, code, says }] of Object.entries(cases)) {
      test(
        `${what}: ${error.name} ${code}`,
        program(s, function* () {
          const found = yield* make(s);
          expect(found).toBeInstanceOf(error);
          for (const part of says) expect((found as Error).message).toContain(part);
          expect(found).toMatchObject({ code });
        }),
      );
    }
  });
}
