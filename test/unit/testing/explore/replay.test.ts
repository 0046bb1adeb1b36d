import { createTask, gather, sleep } from 'asyncio-ts';
import {
  completion,
  ExplorationFailure,
  explore,
  NondeterminismError,
  replay,
  StaleTokenError,
} from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

interface Form {
  /** How many replies it asks for. */
  readonly replies?: number;
  readonly isMended?: boolean;
  readonly message?: string;
}

/** Fails when its second reply comes before the first one. */
function program(s: Spelling, { replies = 3, isMended = false, message = 'out of order' }: Form = {}) {
  return s.fn(function* () {
    const order: number[] = [];
    const ask = s.fn(function* (number: number) {
      order.push(yield* s.wait(completion(number, { label: `reply ${number}` })));
    });
    yield* s.wait(gather(...Array.from({ length: replies }, (_, i) => createTask(() => ask(i)))));
    if (!isMended && order.indexOf(1) < order.indexOf(0)) throw new Error(message);
  });
}

async function tokenOf(s: Spelling): Promise<string> {
  const error = await explore(program(s)).catch((error: unknown) => error);
  if (!(error instanceof ExplorationFailure)) throw new Error(`expected an ExplorationFailure, got ${String(error)}`);
  return error.token;
}

describeBoth('a replay', (s) => {
  test('fails with the same error again', async () => {
    await expect(replay(program(s), await tokenOf(s))).rejects.toThrow('out of order');
    await expect(replay(program(s, { message: 'told otherwise' }), await tokenOf(s))).rejects.toThrow('told otherwise');
  });

  test('of a program that was mended says so', async () => {
    const error = await replay(program(s, { isMended: true }), await tokenOf(s)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StaleTokenError);
    expect(String(error)).toContain('does not fail under this schedule any more');
  });

  test('of a program that has other choices says that it has changed', async () => {
    for (const replies of [1, 2, 4]) {
      const error = await replay(program(s, { replies }), await tokenOf(s)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(StaleTokenError);
      expect(String(error)).toContain('the program has changed since the token was made');
    }
  });

  test('of a program that has changed and fails has the failure as its cause', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new RangeError('another one');
    });
    const error = await replay(main, await tokenOf(s)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StaleTokenError);
    expect((error as Error).cause).toBeInstanceOf(RangeError);
  });

  test('of a program that differs from run to run says so, and not that it has changed', async () => {
    const token = await tokenOf(s);
    const sleepsByLot = s.fn(function* () {
      yield* s.wait(sleep(Math.random()));
      yield* s.wait(program(s, { isMended: true })());
    });
    let runs = 0;
    const hasOtherChoices = s.fn(function* () {
      yield* s.wait(program(s, { replies: ++runs, isMended: true })());
    });
    for (const main of [sleepsByLot, hasOtherChoices]) {
      const error = await replay(main, token).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(NondeterminismError);
    }
    await expect(replay(sleepsByLot, token)).rejects.toThrow(/Math\.random\(\) at .*replay\.test\.ts/);
  });

  test('takes the options that change how a run goes', async () => {
    const main = s.fn(function* () {
      return yield* s.wait(completion(3));
    });
    const check = (value: number): void => {
      if (value === 3) throw new Error('three');
    };
    const found = await explore(main, { check }).catch((error: ExplorationFailure) => error);
    if (!(found instanceof ExplorationFailure)) throw new Error('nothing was found');
    await expect(replay(main, found.token, { check })).rejects.toThrow('three');
    await expect(replay(main, found.token)).rejects.toThrow(StaleTokenError);
  });

  test('of something that is no token says where to get one', async () => {
    await expect(replay(program(s), 'schedule 5')).rejects.toThrow("replay: 'schedule 5' is no token; give the one");
  });
});
