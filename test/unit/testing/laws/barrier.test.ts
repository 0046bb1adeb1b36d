import { Barrier, BrokenBarrierError, sleep } from 'asyncio-ts';
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

describe.each([2, 3])('a barrier of %i', (parties) => {
  explored(
    'lets nobody pass before all have come, in each round, and gives everybody an index of its own',
    (s) =>
      function* () {
        const barrier = new Barrier(parties);
        const rounds: number[][] = [[], []];
        const arrived = [0, 0];
        function* meet(): Steps {
          for (const [round, indexes] of rounds.entries()) {
            arrived[round]!++;
            const index = yield* s.wait(barrier.wait());
            check(arrived[round] === parties, `only ${arrived[round]} had come`);
            indexes.push(index);
          }
        }
        yield* ends(
          s,
          Array.from({ length: parties }, (_, i) => start(s, `task ${i}`, meet)),
        );
        const all = Array.from({ length: parties }, (_, i) => i);
        for (const indexes of rounds) check(String(indexes.sort()) === String(all), `the indexes were ${indexes}`);
        check(barrier.nWaiting === 0 && !barrier.broken, `${barrier} is left`);
      },
    { async: 60 },
  );

  exploredWithCancellation(
    'is met by another one',
    { victims: parties, steps: 6 },
    (s, { victim, steps }) =>
      function* () {
        const barrier = new Barrier(parties);
        function* meet(): Steps {
          yield* s.wait(barrier.wait());
        }
        const tasks = Array.from({ length: parties }, (_, i) => start(s, `task ${i}`, meet));
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        yield* s.wait(canceller);
        yield* s.wait(sleep(1));
        // Whoever was cancelled after the round was complete has left it complete; otherwise one is missing.
        const isMissing = tasks.some((task) => !task.done());
        if (isMissing) yield* s.wait(start(s, 'another', meet));
        yield* ends(s, tasks);
        check(barrier.nWaiting === 0 && barrier.statistics().waiters.length === 0, `${barrier} is left`);
        // It serves for one more round.
        yield* ends(
          s,
          Array.from({ length: parties }, (_, i) => start(s, `again ${i}`, meet)),
        );
      },
  );
});

describe('a barrier that is', () => {
  explored(
    'aborted breaks for all who wait and come, until it is reset',
    (s) =>
      function* () {
        const barrier = new Barrier(3);
        let broken = 0;
        function* meet(): Steps {
          try {
            yield* s.wait(barrier.wait());
          } catch (error) {
            check(error instanceof BrokenBarrierError, String(error));
            broken++;
          }
        }
        const tasks = [start(s, 'a', meet), start(s, 'b', meet)];
        const aborting = start(s, 'abort', function* () {
          yield* pass(s, 1);
          yield* s.wait(barrier.abort());
        });
        yield* ends(s, [aborting, ...tasks]);
        check(broken === 2, `it has broken for ${broken}`);
        yield* s.wait(barrier.reset());
        yield* ends(
          s,
          ['c', 'd', 'e'].map((name) => start(s, name, meet)),
        );
        check(broken === 2 && barrier.nWaiting === 0, `${barrier} is left`);
      },
  );

  explored(
    'reset throws those out who wait, and serves the next',
    (s) =>
      function* () {
        const barrier = new Barrier(2);
        let [met, thrown] = [0, 0];
        function* meet(): Steps {
          try {
            yield* s.wait(barrier.wait());
            met++;
          } catch (error) {
            check(error instanceof BrokenBarrierError, String(error));
            thrown++;
          }
        }
        const resetting = start(s, 'reset', function* () {
          yield* pass(s, 1);
          yield* s.wait(barrier.reset());
        });
        const first = start(s, 'a', meet);
        yield* ends(s, [resetting]);
        yield* s.wait(sleep(1));
        if (first.done()) yield* ends(s, [start(s, 'b', meet), start(s, 'c', meet)]);
        else yield* ends(s, [start(s, 'b', meet), first]);
        check(met === 2 && thrown <= 1 && barrier.nWaiting === 0, `${met} have met, ${barrier} is left`);
      },
  );
});
