import {
  CancelledError,
  createTask,
  type EventLoop,
  ensureFuture,
  gather,
  getRunningLoop,
  shield,
  sleep,
  type TaskGroup,
  taskGroup,
} from 'asyncio-ts';
import { expect, expectTypeOf, test } from 'vitest';
import { muteLog, virtualLoop } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** Gives `createTask` something that its types refuse. */
const createTaskOf = createTask as (promise: unknown, options?: object) => ReturnType<typeof createTask>;

describeBoth('a promise given to createTask', (s) => {
  test(
    'is waited for: the task has its outcome',
    program(s, function* () {
      muteLog('warn');
      const error = new Error('of the promise');
      expect(yield* s.wait(createTaskOf(Promise.resolve('result'), { name: 'named' }))).toBe('result');
      expect(yield* failure(s, createTaskOf(Promise.reject(error)))).toBe(error);
    }),
  );

  test(
    'can no longer be waited for once the task is cancelled, but its work goes on',
    program(s, function* () {
      muteLog('warn');
      const { promise, resolve } = Promise.withResolvers<string>();
      const task = createTaskOf(promise);
      yield* iterations(s, 1);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      resolve('too late');
      yield* s.wait(sleep(1));
    }),
  );

  test('is handled at once, so that the runtime does not report its rejection as unhandled', async () => {
    muteLog('warn');
    const { loop } = virtualLoop();
    const error = new Error('before the first turn');
    const rejected = Promise.reject(error);
    const task = loop.createTask(rejected as never);
    // A rejection that nobody handles fails the run of the tests.
    await new Promise((resolve) => setImmediate(resolve));
    await expect(loop.runUntilComplete(task)).rejects.toBe(error);
    loop.close();
  });

  test('is refused by the types', () => {
    type Given = Parameters<typeof createTask<number>>[0];
    expectTypeOf<Promise<number>>().not.toExtend<Given>();
    expectTypeOf<PromiseLike<number>>().not.toExtend<Given>();
    expectTypeOf<() => Promise<number>>().toExtend<Given>();
    expectTypeOf<ReturnType<typeof sleep<number>>>().toExtend<Given>();
    expectTypeOf<Promise<number>>().not.toExtend<Parameters<EventLoop['createTask']>[0]>();
    expectTypeOf<Promise<number>>().not.toExtend<Parameters<TaskGroup['createTask']>[0]>();
  });

  test(
    'is explained once for each place, in debug mode or not',
    program(s, function* () {
      const warn = muteLog('warn');
      const here = atPlacesOf(s, {
        generator: (promise: Promise<void>) => createTaskOf(promise),
        async: (promise: Promise<void>) => createTaskOf(promise),
      });
      for (let i = 0; i < 3; i++) yield* s.wait(here(Promise.resolve()));
      expect(warn).toHaveBeenCalledOnce();
      const [message] = warn.mock.calls[0]!;
      expect(message).toContain('was given a promise');
      expect(message).toContain('already running');
      expect(message).toContain('write createTask(f), or createTask(() => f(x)), instead of createTask(f(x))');
      expect(message).toMatch(/\n {4}at \S*promises\.test\.ts:\d+:\d+$/);
    }),
  );
});

/** What does the same in both spellings, each at a line of its own: a report comes once for each place. */
function atPlacesOf<F>(s: Spelling, places: Record<Spelling['name'], F>): F {
  return places[s.name];
}

/** Turns debug mode on for a part of a body. */
function* debugging(part: () => Generator<unknown, void, unknown>): Generator<unknown, void, unknown> {
  const loop = getRunningLoop();
  loop.setDebug(true);
  try {
    yield* part();
  } finally {
    loop.setDebug(false);
  }
}

describeBoth('a promise given to shield or gather', (s) => {
  test(
    'is explained in debug mode, once for each place, with the line to write',
    program(s, function* () {
      const warn = muteLog('warn');
      const shielded = atPlacesOf(s, {
        generator: (p: Promise<void>) => shield(p),
        async: (p: Promise<void>) => shield(p),
      });
      const gathered = atPlacesOf(s, {
        generator: (p: Promise<void>) => gather([p, p]),
        async: (p: Promise<void>) => gather([p, p]),
      });
      yield* s.wait(shielded(Promise.resolve()));
      yield* s.wait(gathered(Promise.resolve()));
      expect(warn).not.toHaveBeenCalled();
      yield* debugging(function* () {
        for (let i = 0; i < 2; i++) {
          yield* s.wait(shielded(Promise.resolve()));
          yield* s.wait(gathered(Promise.resolve()));
        }
      });
      const messages = warn.mock.calls.map(([message]) => String(message));
      expect(messages).toEqual([
        expect.stringContaining('write shield(f), or shield(() => f(x)), instead of shield(f(x))'),
        expect.stringContaining('write gather([f, () => g(x)]) instead of gather([f(), g(x)])'),
      ]);
      for (const message of messages) {
        expect(message).toContain('was given a promise');
        expect(message).toMatch(/at \S*promises\.test\.ts:\d+:\d+$/);
      }
    }),
  );

  test(
    'is distinguished from functions, futures, tasks and coroutines, which are not reported',
    program(s, function* () {
      const warn = muteLog('warn');
      const work = s.fn(function* () {
        yield* s.wait(sleep(0));
      });
      yield* debugging(function* () {
        yield* s.wait(shield(work));
        yield* s.wait(shield(createTask(work)));
        yield* s.wait(shield(sleep(0)));
        yield* s.wait(gather([work, () => work(), createTask(work), ensureFuture(Promise.resolve()), sleep(0)]));
        yield* s.wait(
          taskGroup(
            s.fn(function* (group: TaskGroup) {
              group.createTask(work);
            }),
          ),
        );
      });
      expect(warn).not.toHaveBeenCalled();
    }),
  );
});
