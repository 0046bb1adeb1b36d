import { CancelledError, createTask, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a promise given to createTask', (s) => {
  test(
    'works: the task has its outcome',
    program(s, function* () {
      const error = new Error('of the promise');
      expect(yield* s.wait(createTask(Promise.resolve('result'), { name: 'named' }))).toBe('result');
      expect(yield* failure(s, createTask(Promise.reject(error)))).toBe(error);
    }),
  );

  test(
    'can no longer be waited for once the task is cancelled, but its work goes on',
    program(s, function* () {
      const { promise, resolve } = Promise.withResolvers<string>();
      const task = createTask(promise);
      yield* iterations(s, 1);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      resolve('too late');
      yield* s.wait(sleep(1));
    }),
  );

  test('is explained in debug mode only', async () => {
    const warn = muteLog('warn');
    await program(s, function* () {
      yield* s.wait(createTask(Promise.resolve()));
      expect(warn).not.toHaveBeenCalled();
      getRunningLoop().setDebug(true);
      yield* s.wait(createTask(Promise.resolve()));
      getRunningLoop().setDebug(false);
    })();
    const [message, where] = warn.mock.calls[0]!;
    expect(warn).toHaveBeenCalledOnce();
    expect(message).toContain('was given a promise');
    expect(message).toContain('running already');
    expect(message).toContain('write createTask(f), or createTask(() => f(x)), instead of createTask(f(x))');
    expect((where as Error).stack).toContain('promises.test.ts');
  });
});
