import { check, now } from '../lib/clock.ts';
import type { Contender } from '../lib/subject.ts';
import { cancelSleepers } from '../subjects/cancel-sleepers.ts';
import { floorOf } from './floor.ts';

/**
 * What it takes that each task is told of its cancellation by an error: one that is made, thrown where the task waits, and thrown again
 * where its end is awaited. Without stack traces, which this library's cancellations do without as well.
 */

function* sleeper(): Generator<unknown, void, unknown> {
  yield;
}

class Cancelled extends Error {}

function thrown(name: string, makeError: () => unknown): Contender {
  return {
    name,
    run: async (count) => {
      const { stackTraceLimit } = Error;
      const frames = Array.from({ length: count }, () => sleeper());
      for (const frame of frames) frame.next();
      const errors: unknown[] = [];
      let cancelled = 0;
      Error.stackTraceLimit = 0;
      const begin = now();
      for (const frame of frames) {
        const error = makeError();
        try {
          frame.throw(error);
        } catch (reason) {
          errors.push(reason);
        }
      }
      // Whoever awaits a task is a generator as well.
      const joiner = (function* (): Generator<unknown, void, unknown> {
        for (let i = 0; i < count; i++) {
          try {
            yield;
          } catch {
            cancelled++;
          }
        }
      })();
      joiner.next();
      for (const error of errors) joiner.throw(error);
      const end = now();
      Error.stackTraceLimit = stackTraceLimit;
      check(cancelled, count);
      return end - begin;
    },
  };
}

const shared = new Cancelled('cancelled');

export const cancelFloor = floorOf(cancelSleepers, [
  thrown('gen floor: two throws', () => shared),
  thrown('… and an error each', () => new Cancelled('cancelled')),
]);
