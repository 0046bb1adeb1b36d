import { createTask, type Future, gather, getRunningLoop, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { completion, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { type Decider, Simulation } from '../../../src/testing/simulation/simulation.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Decides at each choice of one kind by a function, and takes the first way elsewhere. */
function decideBy(kind: string, decide: (count: number, labels: readonly string[]) => number): Decider {
  return {
    choosesReady: false,
    slack: 0,
    choose(asked, count, candidates) {
      if (asked !== kind) return 0;
      const labels = Array.from(
        { length: count },
        (_, i) => (candidates.at(i) as { label?: string })?.label ?? 'later',
      );
      return decide(count, labels);
    },
  };
}

describeBoth('a completion', (s) => {
  test('gives its value in the next iteration, and takes no time', async () => {
    const main = s.fn(function* () {
      const began = getRunningLoop().time();
      const reply = completion('reply');
      const isDoneAtOnce = reply.done();
      const value = yield* s.wait(reply);
      return [isDoneAtOnce, value, getRunningLoop().time() - began];
    });
    expect(await runVirtual(main)).toEqual([false, 'reply', 0]);
  });

  test('fails with the error that it was given', async () => {
    const error = new TypeError('refused');
    const main = s.fn(function* () {
      return yield* failure(s, completion(undefined, { error }));
    });
    expect(await runVirtual(main)).toBe(error);
  });

  test('ends in the order in which it was begun when nobody decides otherwise', async () => {
    const ended: number[] = [];
    const one = s.fn(function* (number: number) {
      ended.push(yield* s.wait(completion(number)));
    });
    const main = s.fn(function* () {
      yield* s.wait(gather(one(1), one(2), one(3)));
    });
    await runVirtual(main);
    expect(ended).toEqual([1, 2, 3]);
  });

  test('ends in any order that the decider chooses, but within its stream in the order in which it was begun', async () => {
    const seen: string[][] = [];
    const decider = decideBy('arrival', (_count, labels) => {
      seen.push([...labels]);
      return labels.filter((label) => label !== 'later').length - 1; // the last one that may come
    });
    const ended: string[] = [];
    const one = s.fn(function* (label: string, stream: object | null) {
      ended.push(yield* s.wait(completion(label, { label, stream })));
    });
    const stream = {};
    const main = s.fn(function* () {
      yield* s.wait(gather(one('a', stream), one('b', stream), one('c', null)));
    });
    const simulation = new Simulation({ decider });
    await simulation.run(main);
    simulation.close();
    expect(ended).toEqual(['c', 'a', 'b']);
    expect(seen[0]!.slice(0, 2)).toEqual(['a', 'c']);
  });

  test('may come after a timer when the decider has it wait', async () => {
    let isTold = false;
    const decider = decideBy('arrival', (_count, labels) => {
      const later = labels.indexOf('later');
      return isTold || later < 0 ? 0 : later;
    });
    const main = s.fn(function* () {
      const reply = completion('reply');
      yield* s.wait(sleep(5));
      const wasDone = reply.done();
      isTold = true;
      return [wasDone, yield* s.wait(reply), getRunningLoop().time()];
    });
    const simulation = new Simulation({ decider });
    const { value } = await simulation.run(main);
    simulation.close();
    expect(value?.value).toEqual([false, 'reply', 5]);
  });

  test('that is cancelled never comes, and is no longer asked about', async () => {
    const seen: string[][] = [];
    let mayCome = false;
    const decider = decideBy('arrival', (_count, labels) => {
      seen.push([...labels]);
      const later = labels.indexOf('later');
      return mayCome || later < 0 ? 0 : later;
    });
    let given: Future<string> | null = null;
    const waiter = s.fn(function* () {
      given = completion('reply', { label: 'reply' });
      yield* s.wait(given);
    });
    const main = s.fn(function* () {
      const task = createTask(waiter);
      yield* s.wait(sleep(1));
      const before = seen.length;
      task.cancel();
      const error = yield* failure(s, task);
      mayCome = true;
      yield* s.wait(completion('another', { label: 'another' }));
      return { error, after: seen.slice(before) };
    });
    const simulation = new Simulation({ decider });
    const { value } = await simulation.run<{ error: unknown; after: string[][] }>(main);
    simulation.close();
    expect(value?.value.error).toMatchObject({ name: 'CancelledError' });
    expect(given!.cancelled()).toBe(true);
    expect(value!.value.after.flat()).not.toContain('reply');
  });

  test('that a deadline gives up is not waited for', async () => {
    const decider = decideBy('arrival', (count, labels) => (labels.includes('later') ? count - 1 : 0));
    const main = s.fn(function* () {
      const attempt = s.fn(function* () {
        return yield* s.wait(timeout(2, () => completion('reply')));
      });
      return yield* failure(s, attempt());
    });
    const simulation = new Simulation({ decider });
    const { value, seconds } = await simulation.run(main);
    simulation.close();
    expect(value?.value).toBeInstanceOf(TimeoutError);
    expect(seconds).toBe(2);
  });

  test('shows its label where it is waited for', async () => {
    const main = s.fn(function* () {
      const reply = completion(1, { label: 'the reply' });
      const text = `${reply} ${completion()}`;
      yield* s.wait(reply);
      return [text, `${reply}`];
    });
    expect(await runVirtual(main)).toEqual([
      "<Completion 'the reply' pending> <Completion pending>",
      "<Completion 'the reply' finished>",
    ]);
  });
});

describe('completion()', () => {
  test('says outside of a simulated program what to call it in', () => {
    expect(() => completion(1)).toThrow(
      'completion() works only in a simulated program, and no event loop runs here: call it inside runVirtual(main) or explore(main)',
    );
  });

  test('refuses options that it does not have', async () => {
    const main = async () => completion(1, { name: 'reply' } as never);
    await expect(runVirtual(main)).rejects.toThrow("there is no option 'name'");
  });
});
