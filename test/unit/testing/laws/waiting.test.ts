import {
  ALL_COMPLETED,
  asCompleted,
  CancelledError,
  createTask,
  Event,
  FIRST_COMPLETED,
  gather,
  getRunningLoop,
  mapConcurrent,
  shared,
  shield,
  sleep,
  type Task,
  wait,
} from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Tasks that take so many steps each and give their number. */
function workers(s: Spelling, ...steps: readonly number[]): Task<number>[] {
  return steps.map((count, i) =>
    createTask(
      s.fn(function* () {
        yield* pass(s, count);
        return i;
      }),
      { name: `worker ${i}` },
    ),
  );
}

function* failing(s: Spelling, steps: number, error: Error): Steps<never> {
  yield* pass(s, steps);
  throw error;
}

describe('gather()', () => {
  explored(
    'gives the results in the order of its arguments',
    (s) =>
      function* () {
        const results = yield* s.wait(gather(workers(s, 2, 0, 1)));
        check(String(results) === '0,1,2', `the results are ${results}`);
      },
  );

  explored(
    'throws an error of those that have failed, and leaves the others running',
    (s) =>
      function* () {
        const errors = [new Error('one'), new Error('two')];
        const tasks = [...workers(s, 2), ...errors.map((error, i) => start(s, `bad ${i}`, () => failing(s, 1, error)))];
        try {
          yield* s.wait(gather(tasks));
          check(false, 'it has not failed');
        } catch (thrown) {
          check(errors.includes(thrown as Error), String(thrown));
        }
        check((yield* s.wait(tasks[0]!)) === 0, 'the other one was not left alone');
        yield* s.wait(wait(tasks));
      },
  );

  exploredWithCancellation(
    'is over with the cancellation, and all that it waits for is cancelled',
    { victims: 1, steps: 5 },
    (s, { steps }) =>
      function* () {
        const tasks = workers(s, 1, 3);
        let isThrough = false;
        const owner = start(s, 'owner', function* () {
          yield* s.wait(gather(tasks));
          isThrough = true;
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        yield* s.wait(sleep(1));
        check(
          tasks.every((task) => task.done()),
          'a task was left',
        );
        check(isThrough || owner.cancelled(), `the owner is ${owner}`);
      },
  );

  exploredWithCancellation(
    'tells all results and errors with returnExceptions',
    { victims: 2, steps: 4 },
    (s, { victim, steps }) =>
      function* () {
        const tasks = workers(s, 1, 2);
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        const results = (yield* s.wait(gather(tasks, { returnExceptions: true }))) as unknown[];
        for (const [i, result] of results.entries()) {
          const isRight = tasks[i]!.cancelled() ? result instanceof CancelledError : result === i;
          check(isRight, `the result of ${i} is ${result}`);
        }
        yield* ends(s, [canceller, ...tasks]);
      },
  );
});

describe('wait()', () => {
  explored(
    'tells who is done and who is not, at the first and in the end',
    (s) =>
      function* () {
        const tasks = workers(s, 2, 0, 1);
        const first = yield* s.wait(wait(tasks, { returnWhen: FIRST_COMPLETED }));
        check(first.done.size > 0, 'nobody is done');
        check(first.done.size + first.pending.size === 3, 'somebody is missing');
        check(
          [...first.done].every((task) => task.done()),
          'one is told to be done, and is not',
        );
        const last = yield* s.wait(wait(tasks, { returnWhen: ALL_COMPLETED }));
        check(last.done.size === 3 && last.pending.size === 0, 'somebody is missing in the end');
      },
  );

  exploredWithCancellation(
    'leaves what it waits for alone',
    { victims: 1, steps: 4 },
    (s, { steps }) =>
      function* () {
        const tasks = workers(s, 1, 3);
        const owner = start(s, 'owner', function* () {
          yield* s.wait(wait(tasks));
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        check(String(yield* s.wait(gather(tasks))) === '0,1', 'a task was not left alone');
      },
  );

  explored(
    'with a timeout at the time at which all end tells the truth',
    (s) =>
      function* () {
        const tasks = [0, 1].map((i) =>
          start(s, `task ${i}`, function* () {
            yield* s.wait(sleep(1));
            return i;
          }),
        );
        const { done, pending } = yield* s.wait(wait(tasks, { timeout: 1 }));
        check(done.size + pending.size === 2, 'somebody is missing');
        check(
          [...done].every((task) => task.done()),
          'one is told to be done, and is not',
        );
        yield* s.wait(gather(tasks));
      },
  );
});

describe('shield()', () => {
  exploredWithCancellation(
    'ends its wait alone',
    { victims: 1, steps: 5 },
    (s, { steps }) =>
      function* () {
        const [worker] = workers(s, 2);
        const owner = start(s, 'owner', function* () {
          yield* s.wait(shield(worker!));
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        check((yield* s.wait(worker!)) === 0, 'the work was cancelled');
      },
  );

  exploredWithCancellation(
    'is cancelled with what it shields',
    { victims: 1, steps: 5 },
    (s, { steps }) =>
      function* () {
        const [worker] = workers(s, 2);
        let result: unknown = null;
        const owner = start(s, 'owner', function* () {
          result = yield* s.wait(shield(worker!));
        });
        yield* ends(s, [cancelAfter(s, worker!, steps), worker!, owner]);
        check(worker!.cancelled() ? owner.cancelled() : result === 0, `worker: ${worker}, owner: ${owner}`);
      },
  );
});

describe('shared()', () => {
  exploredWithCancellation(
    'runs once for all who call meanwhile, and as long as one of them waits',
    { victims: 3, steps: 5 },
    (s, { victim, steps }) =>
      function* () {
        let [running, runs, completed] = [0, 0, 0];
        const load = shared(
          s.fn(function* () {
            check(++running <= 2, 'it runs more often than once, and once more that is being cancelled');
            runs++;
            try {
              yield* pass(s, 2);
              completed++;
              return runs;
            } finally {
              running--;
            }
          }),
        );
        const owners = ['a', 'b', 'c'].map((name) =>
          start(s, name, function* () {
            check((yield* s.wait(load())) > 0, 'no result');
          }),
        );
        yield* ends(s, [cancelAfter(s, owners[victim]!, steps), ...owners]);
        check(
          owners.every((owner, i) => i === victim || !owner.cancelled()),
          'another one was cancelled',
        );
        check(running === 0 && completed > 0, `${completed} runs were completed, ${running} still run`);
      },
  );

  explored(
    'is cancelled when all who call are, and runs anew for the next',
    (s) =>
      function* () {
        let [begun, ended] = [0, 0];
        const load = shared(
          s.fn(function* () {
            begun++;
            try {
              // The first ones end only by being cancelled.
              if (isLast) yield* pass(s, 3);
              else yield* s.wait(new Event().wait());
            } finally {
              ended++;
            }
          }),
        );
        let isLast = false;
        function* call(): Steps {
          yield* s.wait(load());
        }
        const callers = [start(s, 'a', call), start(s, 'b', call)];
        yield* ends(
          s,
          callers.map((caller) => cancelAfter(s, caller, 1)),
        );
        yield* ends(s, callers);
        isLast = true;
        yield* s.wait(start(s, 'c', call));
        yield* s.wait(sleep(1)); // the run that was cancelled may end later than the new one
        check(begun === ended && begun <= 3, `${begun} have begun and ${ended} have ended`);
      },
  );
});

describe('asCompleted()', () => {
  // In which order it hears of them is for the loop to say, which may do so in any order here.
  explored(
    'gives each once',
    (s) =>
      function* () {
        const got: number[] = [];
        for (const next of asCompleted(workers(s, 2, 0, 1))) got.push((yield* s.wait(next)) as number);
        check(String(got.sort()) === '0,1,2', `got ${got}`);
      },
  );

  exploredWithCancellation(
    'leaves what it waits for alone',
    { victims: 1, steps: 5 },
    (s, { steps }) =>
      function* () {
        const tasks = workers(s, 1, 3);
        const owner = start(s, 'owner', function* () {
          for (const next of asCompleted(tasks)) yield* s.wait(next);
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        check(String(yield* s.wait(gather(tasks))) === '0,1', 'a task was not left alone');
      },
  );
});

describe('mapConcurrent()', () => {
  explored(
    'never runs more than its limit, and gives the results in order',
    (s) =>
      function* () {
        let running = 0;
        const work = s.fn(function* (item: number) {
          check(++running <= 2, `${running} run at once`);
          yield* pass(s, item % 2);
          running--;
          return item * 10;
        });
        const results = yield* s.wait(mapConcurrent([1, 2, 3], work, { limit: 2 }));
        check(String(results) === '10,20,30' && running === 0, `the results are ${results}`);
      },
  );

  explored(
    'cancels the others when a call fails, waits for them, and throws the error',
    (s) =>
      function* () {
        let running = 0;
        const error = new Error('the error of a call');
        const work = s.fn(function* (item: number) {
          running++;
          try {
            yield* pass(s, item);
            if (item === 1) throw error;
          } finally {
            running--;
          }
        });
        try {
          yield* s.wait(mapConcurrent([3, 1, 2], work, { limit: 2 }));
          check(false, 'it has not failed');
        } catch (thrown) {
          check(thrown === error, String(thrown));
        }
        check(running === 0, `${running} still run`);
      },
  );

  exploredWithCancellation(
    'cancels its calls and waits for them',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        let running = 0;
        const work = s.fn(function* (item: number) {
          running++;
          try {
            yield* pass(s, item);
          } finally {
            running--;
          }
        });
        const owner = start(s, 'owner', function* () {
          try {
            yield* s.wait(mapConcurrent([1, 2, 3], work, { limit: 2 }));
          } finally {
            check(running === 0, `${running} still run`);
          }
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        check(getRunningLoop().time() === 0, 'time has passed');
      },
  );

  exploredWithCancellation(
    'that is iterated and left after the first result has ended its calls',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        let running = 0;
        const work = s.fn(function* (item: number) {
          running++;
          try {
            yield* pass(s, item);
            return item;
          } finally {
            running--;
          }
        });
        const owner = start(s, 'owner', function* () {
          const results = mapConcurrent([0, 2, 1], work, { limit: 2 })[Symbol.asyncIterator]();
          try {
            const { value } = yield* s.wait(results.next());
            check(value === 0, `the first result is ${value}`);
          } finally {
            yield* s.wait(results.return!());
            check(running === 0, `${running} still run`);
          }
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        check(running === 0, `${running} still run`);
      },
  );
});
