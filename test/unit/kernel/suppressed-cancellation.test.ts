import { CancelledError, createTask, rethrowIfCancelled, sleep, TimeoutError, taskGroup, timeout } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { type Body, describeBoth, runVirtually } from '../../support/spellings.ts';

/** What `await using` throws when the clean-up after an error fails itself. Not every runtime has the global class. */
function suppressed(error: unknown, by: unknown): Error {
  const both = { name: 'SuppressedError', error, suppressed: by };
  return Object.assign(new Error('An error was suppressed during disposal'), both);
}

describeBoth('an error of a clean-up that suppresses a cancellation', (s) => {
  /** Waits until it is cancelled; its clean-up throws an error then. */
  const cleaningUpWith = (later: unknown): Body<[], void> =>
    function* () {
      try {
        yield* s.wait(sleep(60));
      } catch (error) {
        throw suppressed(later, error);
      }
    };

  const outcome = function* (awaitable: unknown): Generator<unknown, unknown, unknown> {
    try {
      return yield* s.wait(awaitable);
    } catch (error) {
      return error;
    }
  };

  test('cancels the task when it is a cancellation too', async () => {
    const main = s.fn(function* () {
      const task = createTask(s.fn(cleaningUpWith(new CancelledError('again'))));
      yield* s.wait(sleep(1));
      task.cancel('first');
      const error = yield* outcome(task);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as Error).message).toBe('again');
      expect(task.cancelled()).toBe(true);
    });
    await runVirtually(main);
  });

  test('cancels the task when it is wrapped several times', async () => {
    const main = s.fn(function* () {
      const inner = suppressed(new CancelledError('innermost'), new RangeError('one'));
      const task = createTask(s.fn(cleaningUpWith(suppressed(inner, new RangeError('two')))));
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* outcome(task)).toMatchObject({ message: 'innermost' });
      expect(task.cancelled()).toBe(true);
    });
    await runVirtually(main);
  });

  test('fails the task when it is another error', async () => {
    const main = s.fn(function* () {
      const task = createTask(s.fn(cleaningUpWith(new RangeError('a mistake'))));
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* outcome(task)).toMatchObject({ name: 'SuppressedError', error: { message: 'a mistake' } });
      expect(task.cancelled()).toBe(false);
    });
    await runVirtually(main);
  });

  test('is a timeout where the deadline has caused it', async () => {
    const main = s.fn(function* () {
      const error = yield* outcome(timeout(1, s.fn(cleaningUpWith(new CancelledError('again')))));
      expect(error).toBeInstanceOf(TimeoutError);
      expect((error as Error).cause).toMatchObject({ message: 'again' });
    });
    await runVirtually(main);
  });

  test('ends a task group as its cancellation does', async () => {
    const main = s.fn(function* () {
      const grouped = createTask(() => taskGroup(s.fn(cleaningUpWith(new CancelledError('again')))));
      yield* s.wait(sleep(1));
      grouped.cancel();
      expect(yield* outcome(grouped)).toBeInstanceOf(CancelledError);
      expect(grouped.cancelled()).toBe(true);
    });
    await runVirtually(main);
  });
});

test('rethrowIfCancelled throws a wrapped cancellation on, and lets other wrapped errors pass', () => {
  const cancelled = suppressed(new CancelledError(), new RangeError());
  expect(() => rethrowIfCancelled(cancelled)).toThrow(cancelled);
  rethrowIfCancelled(suppressed(new RangeError(), new CancelledError()));
});
