import {
  CancelledError,
  createTask,
  KeyboardInterrupt,
  rethrowIfCancelled,
  SystemExit,
  sleep,
  TimeoutError,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describe('rethrowIfCancelled', () => {
  test.each([new CancelledError('enough'), new KeyboardInterrupt(), new SystemExit(3)])(
    'throws %o on, the same object',
    (error) => {
      let thrown: unknown;
      try {
        rethrowIfCancelled(error);
      } catch (caught) {
        thrown = caught;
      }
      expect(thrown).toBe(error);
    },
  );

  test.each([new TimeoutError('late'), new Error('CancelledError'), 'CancelledError', null, undefined])(
    'lets %o be handled',
    (error) => {
      expect(rethrowIfCancelled(error)).toBeUndefined();
    },
  );
});

describeBoth('a catch that begins with rethrowIfCancelled', (s) => {
  test('handles errors, and lets a cancellation end the task', async () => {
    let failures = 0;
    const poll = s.fn(function* () {
      for (;;) {
        try {
          yield* s.wait(sleep(1));
          throw new Error('not there yet');
        } catch (error) {
          rethrowIfCancelled(error);
          failures++;
        }
      }
    });
    const main = s.fn(function* () {
      const task = createTask(poll);
      yield* s.wait(sleep(3.5));
      task.cancel();
      yield* s.wait(sleep(0));
      return task.cancelled();
    });
    expect(await runVirtually(main)).toMatchObject({ result: true, seconds: 3.5 });
    expect(failures).toBe(3);
  });
});
