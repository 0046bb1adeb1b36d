import { createTask, Event, gather, sleep } from 'asyncio-ts';
import { DeadlockError, runVirtual, Sequencer } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a sequencer', (s) => {
  test('runs the steps of several tasks in order, wherever they are', async () => {
    const trace: string[] = [];
    const main = s.fn(function* () {
      const sequence = new Sequencer();
      const steps = (name: string, positions: readonly number[]) =>
        s.fn(function* () {
          for (const position of positions) {
            yield* s.wait(
              sequence.step(
                position,
                s.fn(function* () {
                  trace.push(`${name}${position}`);
                  yield* s.wait(sleep(1));
                }),
              ),
            );
          }
        });
      yield* s.wait(gather([steps('c', [2, 5]), steps('b', [1, 4]), steps('a', [0, 3])]));
    });
    await runVirtual(main, { failOnLeaks: true });
    expect(trace).toEqual(['a0', 'b1', 'c2', 'a3', 'b4', 'c5']);
  });

  test('has steps that end with a block', async () => {
    const trace: string[] = [];
    const main = s.fn(function* () {
      const sequence = new Sequencer();
      const second = createTask(
        s.fn(function* () {
          using _ = yield* s.wait(sequence.step(1));
          trace.push('second');
        }),
      );
      {
        using _ = yield* s.wait(sequence.step(0));
        yield* s.wait(sleep(1));
        trace.push('first');
      }
      yield* s.wait(second);
      return String(sequence);
    });
    expect(await runVirtual(main)).toBe('<Sequencer next=2>');
    expect(trace).toEqual(['first', 'second']);
  });

  const failure = async (main: () => unknown): Promise<DeadlockError> => {
    const error = await runVirtual(main as () => Promise<unknown>).catch((error: unknown) => error);
    if (!(error instanceof DeadlockError)) throw error;
    return error;
  };

  test('says at a standstill which step has never come, and who waits for it', async () => {
    const missing = s.fn(function* () {
      const sequence = new Sequencer();
      const step = (position: number) =>
        s.fn(function* () {
          using _ = yield* s.wait(sequence.step(position));
        });
      createTask(step(3), { name: 'third' });
      createTask(step(2), { name: 'second' });
      yield* s.wait(gather([step(0)]));
      yield* s.wait(gather([createTask(step(4), { name: 'fourth' })]));
    });
    const { message } = await failure(missing);
    expect(message).toMatch(/nothing will ever begin step 1 of <Sequencer next=1>; second waits for it at /);
    expect(message).toMatch(/third waits for step 2 of <Sequencer next=1>, held by second at /);
    expect(message).toMatch(/fourth waits for step 3 of <Sequencer next=1>, held by third at /);
    expect(message).not.toContain('Event');
  });

  test('says at a standstill whose step never ends', async () => {
    const inside = s.fn(function* () {
      const sequence = new Sequencer();
      createTask(
        s.fn(function* () {
          using _ = yield* s.wait(sequence.step(1));
        }),
        { name: 'next' },
      );
      const deaf = createTask(
        () =>
          sequence.step(
            0,
            s.fn(function* () {
              yield* s.wait(new Event().wait());
            }),
          ),
        { name: 'deaf' },
      );
      yield* s.wait(deaf);
    });
    expect((await failure(inside)).message).toMatch(/next waits for step 0 of <Sequencer next=0>, held by deaf/);
    const forgotten = s.fn(function* () {
      const sequence = new Sequencer();
      yield* s.wait(createTask(() => sequence.step(0))); // without `using`
      using _ = yield* s.wait(sequence.step(1));
    });
    expect((await failure(forgotten)).message).toMatch(/nothing will ever end step 0 of <Sequencer next=0>; Task-1/);
  });

  test('goes on after a step that fails', async () => {
    const main = s.fn(function* () {
      const sequence = new Sequencer();
      const fails = s.fn(function* () {
        throw new RangeError('too far');
      });
      const one = createTask(() => sequence.step(0, fails));
      const other = createTask(
        s.fn(function* () {
          using _ = yield* s.wait(sequence.step(1));
          return 'second';
        }),
      );
      return yield* s.wait(gather([one, other], { returnExceptions: true }));
    });
    expect(await runVirtual(main)).toEqual([new RangeError('too far'), 'second']);
  });

  test('is broken when a step is cancelled before its turn: those after it fail, instead of waiting for ever', async () => {
    const main = s.fn(function* () {
      const sequence = new Sequencer();
      const waiting = [1, 2, 3].map((position) =>
        createTask(
          s.fn(function* () {
            using _ = yield* s.wait(sequence.step(position));
          }),
        ),
      );
      yield* s.wait(sleep(1));
      waiting[1]!.cancel();
      const outcomes = yield* s.wait(gather(waiting, { returnExceptions: true }));
      return [...outcomes.map((one) => (one as Error).message.replace(/^.*?: /, '')), String(sequence)];
    });
    expect(await runVirtual(main)).toEqual([
      'step 2 was cancelled before it began',
      expect.stringContaining('cancelled by Task-1'),
      'step 2 was cancelled before it began',
      '<Sequencer broken>',
    ]);
  });

  test('refuses a step that was there already, and positions that are none', async () => {
    const main = s.fn(function* () {
      const sequence = new Sequencer();
      {
        using _ = yield* s.wait(sequence.step(0));
      }
      yield* s.wait(sequence.step(0));
    });
    await expect(runVirtual(main)).rejects.toThrow('each step is done once');
    expect(() => new Sequencer().step(-1)).toThrow('a whole number from 0');
    expect(() => new Sequencer().step(0.5)).toThrow('a whole number from 0');
  });
});
