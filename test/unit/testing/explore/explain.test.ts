import { createTask, gather, sleep } from 'asyncio-ts';
import { completion, ExplorationFailure, type ExploreOptions, explore } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';

async function explanationOf(main: Parameters<typeof explore>[0], options: ExploreOptions = {}): Promise<string> {
  const error = await explore(main, options).catch((error: unknown) => error);
  if (!(error instanceof ExplorationFailure)) throw new Error(`expected an ExplorationFailure, got ${String(error)}`);
  return error.explanation;
}

describeBoth('an explanation', (s) => {
  test('says what came before what, and draws the failing run above the one that passes', async () => {
    const main = s.fn(function* () {
      const order: string[] = [];
      const ask = s.fn(function* (label: string) {
        order.push(yield* s.wait(completion(label, { label })));
      });
      const tasks = ['the user', 'the orders'].map((label) =>
        createTask(() => ask(label), { name: `asks for ${label}` }),
      );
      yield* s.wait(gather(...tasks));
      if (order[0] === 'the orders') throw new Error('no user yet');
    });
    const text = await explanationOf(main);
    expect(text).toContain('It takes one choice other than the usual one:\n  1. the orders came before the user');
    const [, fails, passes] = text.split(/^(?:fails|passes, without the last of them):$/m);
    for (const drawing of [fails, passes]) {
      expect(drawing).toContain('▼');
      expect(drawing).toMatch(/asks for the user.*■/);
      expect(drawing).toMatch(/asks for the orders.*■/);
    }
    expect(fails).toMatch(/Task-1.*!/);
    expect(passes).not.toContain('!');
  });

  test('has one line for what is late again and again', async () => {
    const main = s.fn(function* () {
      let isReady = false;
      createTask(
        s.fn(function* () {
          yield* s.wait(completion(null, { label: 'the reply' }));
          isReady = true;
        }),
      );
      for (let second = 0; second < 4; second++) yield* s.wait(sleep(1));
      if (!isReady) throw new Error('given up');
    });
    const text = await explanationOf(main, { failOnLeaks: false });
    expect(text).toMatch(
      /^It takes (\d+) choices other than the usual one:\n {2}1 to \1\. the reply had not come yet\nfails/,
    );
  });

  test('names timers that fire in another order, by the tasks that wait for them', async () => {
    const main = s.fn(function* () {
      let order = '';
      const wakes = s.fn(function* (letter: string) {
        yield* s.wait(sleep(1));
        order += letter;
      });
      yield* s.wait(
        gather(
          createTask(() => wakes('a'), { name: 'first' }),
          createTask(() => wakes('b'), { name: 'second' }),
        ),
      );
      if (order === 'ba') throw new Error(order);
    });
    const text = await explanationOf(main);
    expect(text).toMatch(/1\. second.* at .*:\d+:\d+ fired before first.* at .*:\d+:\d+/);
  });

  test('names what runs in another order with the lines at which it goes on', async () => {
    const main = s.fn(function* () {
      let order = '';
      const step = s.fn(function* (letter: string) {
        yield* s.wait(sleep(0));
        order += letter;
      });
      yield* s.wait(
        gather(
          createTask(() => step('a'), { name: 'first' }),
          createTask(() => step('b'), { name: 'second' }),
        ),
      );
      if (order === 'ba') throw new Error(order);
    });
    expect(await explanationOf(main, { level: 'any' })).toMatch(/1\. second.* ran before first/);
  });

  test('says that something was late', async () => {
    const main = s.fn(function* () {
      const reply = createTask(
        s.fn(function* () {
          yield* s.wait(completion());
        }),
      );
      yield* s.wait(sleep(1));
      if (!reply.done()) throw new Error('no reply after a second');
    });
    expect(await explanationOf(main, { failOnLeaks: false })).toContain('completion had not come yet');
  });
});
