import {
  CancelledError,
  getRunningLoop,
  Lock,
  Queue,
  Semaphore,
  sleep,
  TimeoutError,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe } from 'vitest';
import {
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Both ways to say that something may take so long, for which the same is true. */
const kinds = [
  {
    name: 'waitFor()',
    within: (s: Spelling, seconds: number, body: () => Steps<unknown>) => waitFor(s.fn(body), seconds),
  },
  {
    name: 'timeout()',
    within: (s: Spelling, seconds: number, body: () => Steps<unknown>) => timeout(seconds, s.fn(body)),
  },
];

describe.each(kinds)('$name', ({ within }) => {
  explored(
    'at the time at which the body ends gives its result or the error, and the body has ended',
    (s) =>
      function* () {
        let [begun, ended] = [0, 0];
        function* work(): Steps<string> {
          begun++;
          try {
            yield* s.wait(sleep(1));
            return 'result';
          } finally {
            ended++;
          }
        }
        const owners = [0, 1].map((i) =>
          start(s, `owner ${i}`, function* () {
            try {
              const result = yield* s.wait(within(s, 1, work));
              check(result === 'result', `the result is ${result}`);
            } catch (error) {
              check(error instanceof TimeoutError, String(error));
            }
          }),
        );
        yield* ends(s, owners);
        check(begun === 2 && ended === 2, `${begun} have begun and ${ended} have ended`);
        check(getRunningLoop().time() < 1.1, `it took ${getRunningLoop().time()} s`);
      },
  );

  const resources = [
    { what: 'a lock', make: () => new Lock() },
    { what: 'a semaphore', make: () => new Semaphore(1) },
  ];
  for (const { what, make } of resources) {
    explored(
      `around the wait for ${what} that is released at the deadline has it or has not`,
      (s) =>
        function* () {
          const lock = make();
          yield* s.wait(lock.acquire());
          const release = start(s, 'holder', function* () {
            yield* s.wait(sleep(1));
            lock.release();
          });
          const owners = [0, 1].map((i) =>
            start(s, `owner ${i}`, function* () {
              try {
                yield* s.wait(
                  within(s, 1, function* () {
                    yield* s.wait(lock.acquire());
                  }),
                );
              } catch (error) {
                check(error instanceof TimeoutError, String(error));
                return;
              }
              lock.release();
            }),
          );
          yield* ends(s, [release, ...owners]);
          check(!lock.locked(), `${lock} is left`);
        },
    );
  }

  explored(
    'around the wait for an item that is put at the deadline has it or leaves it',
    (s) =>
      function* () {
        const queue = new Queue<number>();
        let got = 0;
        const put = start(s, 'put', function* () {
          yield* s.wait(sleep(1));
          queue.putNowait(1);
        });
        const owners = [0, 1].map((i) =>
          start(s, `owner ${i}`, function* () {
            try {
              yield* s.wait(
                within(s, 1, function* () {
                  yield* s.wait(queue.get());
                  got++;
                }),
              );
            } catch (error) {
              check(error instanceof TimeoutError, String(error));
            }
          }),
        );
        yield* ends(s, [put, ...owners]);
        check(got + queue.qsize() === 1, `${got} were got, and ${queue.qsize()} are left`);
      },
  );

  explored(
    'whose owner is cancelled at the deadline throws the cancellation or the timeout, and never goes on',
    (s) =>
      function* () {
        let isThrough = false;
        let thrown: unknown = null;
        const owner = start(s, 'owner', function* () {
          try {
            yield* s.wait(
              within(s, 1, function* () {
                yield* s.wait(sleep(2));
              }),
            );
            isThrough = true;
          } catch (error) {
            thrown = error;
            throw error;
          }
        });
        let isTaken = false;
        const canceller = start(s, 'canceller', function* () {
          yield* s.wait(sleep(1));
          isTaken = owner.cancel();
        });
        yield* s.wait(canceller);
        try {
          yield* s.wait(owner);
        } catch {}
        check(!isThrough, 'it has gone on');
        check(thrown instanceof (isTaken ? CancelledError : TimeoutError), `taken: ${isTaken}, thrown: ${thrown}`);
      },
  );

  exploredWithCancellation(
    'never swallows the cancellation of its owner',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        let [begun, ended] = [0, 0];
        let isThrough = false;
        const owner = start(s, 'owner', function* () {
          yield* s.wait(
            within(s, 10, function* () {
              begun++;
              try {
                yield* pass(s, 2);
              } finally {
                ended++;
              }
            }),
          );
          isThrough = true;
          yield* s.wait(sleep(0));
        });
        let isTaken = false;
        const canceller = start(s, 'canceller', function* () {
          yield* pass(s, steps);
          isTaken = owner.cancel();
        });
        yield* ends(s, [canceller, owner]);
        check(begun === ended, `${begun} have begun and ${ended} have ended`);
        check(isTaken ? owner.cancelled() : isThrough, `taken: ${isTaken}, through: ${isThrough}, ${owner}`);
        check(getRunningLoop().time() < 1, 'the timer was waited for');
      },
  );

  explored(
    'inside another one with the same deadline: each throws its own error, and nothing is left',
    (s) =>
      function* () {
        let inner = 'not thrown';
        let outer = 'not thrown';
        try {
          yield* s.wait(
            within(s, 1, function* () {
              try {
                yield* s.wait(
                  within(s, 1, function* () {
                    yield* s.wait(sleep(2));
                  }),
                );
              } catch (error) {
                inner = (error as Error).name;
                throw error;
              }
            }),
          );
        } catch (error) {
          outer = (error as Error).name;
        }
        check(outer === 'TimeoutError', `the outer one has thrown ${outer}`);
        check(['TimeoutError', 'CancelledError'].includes(inner), `the inner one has thrown ${inner}`);
        yield* s.wait(sleep(0)); // would throw a cancellation that is left
      },
  );
});
