import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ContextVar,
  createTask,
  currentTask,
  ensureFuture,
  gather,
  Lock,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { outcome, simulated } from '../../support/simulated-runtime.ts';

/** R1, R7: an async function that a generator calls is a line of the generator's task and scope, as one that an async function calls. */

const user = new ContextVar('user', { default: 'nobody' });

const helper = async () => {
  await sleep(0.1);
  const seen = [user.get(), currentTask()?.getName() ?? 'no task'];
  await sleep(50);
  return seen;
};

const waysToAwait: Record<string, () => Iterable<unknown>> = {
  'wrapPromise(helper())': () => wrapPromise(helper()),
  'ensureFuture(helper())': () => ensureFuture(helper()),
  'gather(helper(), helper())': () => gather(helper(), helper()),
};

const bodies: Record<string, (way: () => Iterable<unknown>) => () => Generator<unknown, unknown, unknown>> = {
  'the body of a task': (way) =>
    function* () {
      return yield* way();
    },
  'a body within a timeout': (way) =>
    function* () {
      return yield* timeout(60, function* () {
        return yield* way();
      });
    },
  'a body with a lock': (way) =>
    function* () {
      return yield* new Lock().with(function* () {
        return yield* way();
      });
    },
  'the body of a group': (way) =>
    function* () {
      let result: unknown;
      yield* taskGroup(function* () {
        result = yield* way();
      });
      return result;
    },
};

describe('an async function that a generator calls', () => {
  for (const [body, make] of Object.entries(bodies)) {
    for (const [way, wait] of Object.entries(waysToAwait)) {
      test(
        `in ${body}, by ${way}, knows its task and its variables after an await`,
        simulated(async () => {
          const task = createTask(
            function* () {
              yield* sleep(0);
              user.set('ada');
              return yield* make(wait)();
            },
            { name: 'T' },
          );
          const seen = (await task) as unknown[];
          expect(seen.flat().slice(0, 2)).toEqual(['ada', 'T']);
        }),
      );
    }

    test(
      `in ${body}, is ended by a deadline around it`,
      simulated(async () => {
        let ended = '';
        const long = async () => {
          try {
            await sleep(1);
            await sleep(50);
          } catch (error) {
            ended = (error as Error).name;
            throw error;
          }
        };
        const task = createTask(function* () {
          yield* sleep(0);
          return yield* timeout(
            5,
            make(() => wrapPromise(long())),
          );
        });
        expect([await outcome(task), ended]).toEqual(['TimeoutError', 'CancelledError']);
      }),
    );
  }

  test(
    'leaves the async context of the loop as it was',
    simulated(async () => {
      const seen: unknown[] = [];
      const tasks = ['a', 'b'].map((name) =>
        createTask(
          function* () {
            yield* wrapPromise(
              (async () => {
                await sleep(1);
                seen.push(currentTask()?.getName());
              })(),
            );
          },
          { name },
        ),
      );
      await gather(...tasks);
      expect(seen).toEqual(['a', 'b']);
    }),
  );

  test(
    'belongs to the task that calls it, not to the task that made that task, where steps run in the async context',
    simulated(async ({ foreign }) => {
      const storage = new AsyncLocalStorage<string>();
      const who = async () => {
        await foreign(1);
        await sleep(10);
        return [currentTask()?.getName(), storage.getStore()];
      };
      let task!: Task<unknown>;
      const maker = async () => {
        const job = function* () {
          return yield* wrapPromise(who());
        };
        task = storage.run('kept', () => createTask(job, { name: 'job', asyncContext: true }));
        await sleep(50);
      };
      expect(await outcome(timeout(5, maker))).toBe('TimeoutError');
      expect(await task).toEqual(['job', 'kept']);
    }),
  );
});
