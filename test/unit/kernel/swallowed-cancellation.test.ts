import { CancelledError, createTask, currentTask, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** Cancels a task that catches everything, and gives what was logged. */
async function cancelCarelessTask(s: Spelling, afterwards: () => void, debug = true): Promise<string[]> {
  const warn = muteLog('warn');
  const careless = s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } catch {
      afterwards();
    }
  });
  const main = s.fn(function* () {
    const task = createTask(careless, { name: 'careless' });
    yield* s.wait(sleep(1));
    task.cancel('enough');
    try {
      yield* s.wait(task);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    expect(getRunningLoop().getDebug()).toBe(debug);
  });
  await runVirtually(main, { debug, name: 'boss' });
  return warn.mock.calls.map(([message]) => String(message));
}

describeBoth('a task that swallows its cancellation', (s) => {
  test('is reported in debug mode, with the origin of the request', async () => {
    const [report, ...others] = await cancelCarelessTask(s, () => {});
    expect(report).toMatch(/careless.*was cancelled by Task 'boss': enough.*rethrowIfCancelled/s);
    expect(others).toEqual([]);
  });

  test('is not reported when it takes the request back', async () => {
    expect(await cancelCarelessTask(s, () => currentTask()?.uncancel())).toEqual([]);
  });

  test('is not reported when it passes the error on after all', async () => {
    const rethrow = () => {
      throw new CancelledError();
    };
    expect(await cancelCarelessTask(s, rethrow)).toEqual([]);
  });

  test('is not reported outside debug mode', async () => {
    expect(await cancelCarelessTask(s, () => {}, false)).toEqual([]);
  });
});
