import { createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { cached } from '../../../examples/recipes/memoised/cached.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('cached', (s) => {
  function counting(seconds: number, fails: (call: number) => boolean = () => false) {
    const calls: string[] = [];
    const body = s.fn(function* (key: string) {
      calls.push(key);
      const call = calls.length;
      yield* s.wait(sleep(1));
      if (fails(call)) throw new RangeError(`call ${call}`);
      return `${key} ${call}`;
    });
    return { calls, ask: cached(body, seconds) };
  }

  test('asks once for all who ask while it runs, and for those who come within the time', async () => {
    const { calls, ask } = counting(10);
    const main = async (): Promise<unknown> => {
      const together = await gather(ask('a'), ask('a'), ask('b'));
      await sleep(8.9);
      return [together, await ask('a')];
    };
    expect((await runVirtually(main)).result).toEqual([['a 1', 'a 1', 'b 2'], 'a 1']);
    expect(calls).toEqual(['a', 'b']);
  });

  test('asks again when the time is over', async () => {
    const { calls, ask } = counting(10);
    const main = async (): Promise<unknown> => {
      await ask('a');
      await sleep(9);
      return await ask('a');
    };
    expect((await runVirtually(main)).result).toBe('a 2');
    expect(calls).toEqual(['a', 'a']);
  });

  test('gives the result of work that outlasts the time to those who wait, and starts it again for others', async () => {
    const { calls, ask } = counting(0.5);
    const main = async (): Promise<unknown> => {
      const first = createTask(async () => await ask('a'));
      await sleep(0.6);
      const second = createTask(async () => await ask('a'));
      return await gather(first, second);
    };
    expect((await runVirtually(main)).result).toEqual(['a 1', 'a 2']);
    expect(calls).toEqual(['a', 'a']);
  });

  test('does not keep an error', async () => {
    const { ask } = counting(10, (call) => call === 1);
    const main = async (): Promise<unknown> => {
      await expect(Promise.resolve(ask('a'))).rejects.toThrow('call 1');
      return await ask('a');
    };
    expect((await runVirtually(main)).result).toBe('a 2');
  });

  test('ends the work only when its last caller has left', async () => {
    const { calls, ask } = counting(10);
    const main = async (): Promise<unknown> => {
      const patient = createTask(async () => await ask('a'));
      await expect(Promise.resolve(timeout(0.5, () => ask('a')))).rejects.toBeInstanceOf(TimeoutError);
      return await patient;
    };
    expect((await runVirtually(main)).result).toBe('a 1');
    expect(calls).toEqual(['a']);
  });
});
