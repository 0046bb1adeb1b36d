import { asCompleted, createTask, Event, gather, getRunningLoop, Lock, sleep } from 'asyncio-ts';
import { completion, type ExplorationFailure, explore, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';

async function failureOf(
  main: () => Generator<unknown, unknown, unknown>,
  options: Parameters<typeof explore>[1] = {},
): Promise<ExplorationFailure> {
  try {
    await explore(main, options);
  } catch (error) {
    return error as ExplorationFailure;
  }
  throw new Error('the program has not failed');
}

/** The lines of a text, each with the number of the source line where it says a place in this file. */
function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.replaceAll(/(?:file:\/\/)?\/\S*telling\.test\.ts:(\d+):\d+/g, 'line $1'));
}

/** The number of the line that calls it. */
function here(): number {
  return Number(/telling\.test\.ts:(\d+)/.exec(new Error('here').stack!.split('\n')[2]!)![1]);
}

describe('the places of waits in generators', () => {
  test('are those of each task, when several wait for one future', async () => {
    const lines: number[] = [];
    const main = function* () {
      const never = getRunningLoop().createFuture<void>();
      function* one() {
        lines.push(here() + 1);
        yield* never;
      }
      function* two() {
        lines.push(here() + 1);
        yield* never;
      }
      yield* gather([createTask(one, { name: 'one' }), createTask(two, { name: 'two' })]);
    };
    const error = await runVirtual(main).catch((failure: Error) => failure);
    const told = linesOf((error as Error).message);
    expect(told.find((line) => line.includes('; one'))).toContain(`line ${lines[0]}`);
    expect(told.find((line) => line.includes('; two'))).toContain(`line ${lines[1]}`);
  });

  test('are those of the task itself, not those where others wait for it', async () => {
    let line = 0;
    const main = function* () {
      const never = new Event();
      function* inner() {
        line = here() + 1;
        yield* never.wait();
      }
      yield* createTask(inner, { name: 'inner' });
    };
    const error = await runVirtual(main).catch((failure: Error) => failure);
    const told = linesOf((error as Error).message);
    expect(told.find((one) => one.includes('; inner'))).toContain(`line ${line}`);
  });
});

describe('an explanation', () => {
  test('says where a task goes on that runs before another one, and where that one is', async () => {
    const lines: number[] = [];
    const failure = await failureOf(
      function* () {
        let value = 0;
        function* add() {
          const before = value;
          lines.push(here() + 1);
          yield* sleep(0);
          value = before + 1;
        }
        function* first() {
          yield* add();
        }
        function* second() {
          yield* sleep(0);
          yield* sleep(0);
          yield* add();
        }
        yield* gather([createTask(first, { name: 'a' }), createTask(second, { name: 'b' })]);
        if (value !== 2) throw new Error('lost');
      },
      { level: 'any', strategy: 'dfs' },
    );
    const [choice] = linesOf(failure.explanation).filter((line) => line.startsWith('  1.'));
    expect(choice).toMatch(/^ {2}1\. b at line \d+ ran before a at line \d+$/);
    expect(choice).toContain(`a at line ${lines[0]}`);
  });

  test('names the branches of one task, which run under Promise.all, by their numbers and functions', async () => {
    let value = 0;
    async function save(turns: number): Promise<void> {
      for (let i = 0; i < turns; i++) await sleep(0);
      const before = value;
      await sleep(0);
      value = before + 1;
    }
    async function main(): Promise<void> {
      value = 0;
      await Promise.all([save(0), save(2), (async () => await sleep(0))()]);
      if (value !== 2) throw new Error('lost');
    }
    const failure = await explore(main, { level: 'any' }).catch((error: unknown) => error);
    const { explanation } = failure as ExplorationFailure;
    const choices = linesOf(explanation).filter((line) => /^ {2}\d\./.test(line));
    expect(choices[0]).toMatch(/Task-1\/2 \(save\) at line \d+ ran before Task-1\/1 \(save\) at line \d+$/);
    const lanes = explanation.split('\n').filter((line) => line.startsWith('  Task-1'));
    expect(lanes.filter((line) => line.startsWith('  Task-1/1 (save)'))).toHaveLength(2);
    expect(lanes.filter((line) => line.startsWith('  Task-1/2 (save)'))).toHaveLength(2);
  });

  test('names the function that a task is in', async () => {
    let begun = '';
    let ended = '';
    async function step(letter: string): Promise<void> {
      await sleep(0);
      ended += letter;
    }
    async function one(): Promise<void> {
      begun += 'a';
      await step('a');
    }
    async function two(): Promise<void> {
      begun += 'b';
      await step('b');
    }
    async function main(): Promise<void> {
      begun = '';
      ended = '';
      await gather([createTask(one, { name: 'x' }), createTask(two, { name: 'y' })]);
      if (begun === 'ab' && ended === 'ba') throw new Error('overtaken');
    }
    const failure = await explore(main, { level: 'any', strategy: 'dfs' }).catch((error: unknown) => error);
    const [choice] = linesOf((failure as ExplorationFailure).explanation).filter((line) => line.startsWith('  1.'));
    expect(choice).toMatch(/y in step\(\) at line \d+ ran before x in step\(\) at line \d+$/);
  });

  test('names the functions of callbacks', async () => {
    async function main(): Promise<void> {
      let order = '';
      const loop = getRunningLoop();
      loop.callSoon(function first() {
        order += '1';
      });
      loop.callSoon(function second() {
        order += '2';
      });
      await sleep(1);
      if (order !== '12') throw new Error(order);
    }
    const failure = await explore(main, { level: 'any' }).catch((error: unknown) => error);
    expect((failure as ExplorationFailure).explanation).toMatch(/second\(\).* ran before .*first\(\)/);
  });

  test('names what had not come yet', async () => {
    const failure = await failureOf(function* () {
      const loaded = completion(1, { label: 'the page' });
      const drawn = completion(1, { label: 'the picture' });
      yield* sleep(0);
      yield* sleep(0);
      if (!loaded.done() && !drawn.done()) throw new Error('too early');
      yield* gather([loaded, drawn]);
    });
    expect(failure.explanation).toContain('the page and the picture had not come yet');
  });

  test('names what has ended where somebody is told of that who waits for several', async () => {
    const failure = await failureOf(
      function* () {
        const ended: string[] = [];
        const tasks = ['short', 'long'].map((name) =>
          createTask(
            function* () {
              ended.push(name);
              return name;
            },
            { name },
          ),
        );
        const told: unknown[] = [];
        for (const next of asCompleted(tasks)) told.push(yield* next);
        if (String(told) !== String(ended)) throw new Error(`ended: ${ended}, told: ${told}`);
      },
      { level: 'any', strategy: 'dfs' },
    );
    expect(failure.explanation).toContain('the end of long ran before the end of short');
  });

  test('tells a dozen choices at the most', async () => {
    const failure = await failureOf(
      function* () {
        const came: number[] = [];
        const ask = function* (label: number) {
          yield* completion(null, { label: `reply ${label}` });
          came.push(label);
        };
        const labels = Array.from({ length: 30 }, (_, i) => i);
        yield* gather(labels.map((label) => () => ask(label)));
        if (String(came) !== String(labels)) throw new Error('another order');
      },
      { strategy: 'random', shrinkRuns: 0 },
    );
    const told = failure.explanation.split('\n').filter((line) => /^ {2}(\d+\.|\d+ to \d+\.|and \d+ more$)/.test(line));
    expect(told.length).toBe(13);
    expect(told.at(-1)).toMatch(/^ {2}and \d+ more$/);
  });

  test('tells what happens again and again in one line, however often', async () => {
    const failure = await failureOf(
      function* () {
        let isOver = false;
        const spin = function* () {
          while (!isOver) yield* sleep(0);
        };
        const spinning = createTask(spin, { name: 'spin' });
        const end = function* () {
          isOver = true;
        };
        yield* gather([spinning, createTask(end, { name: 'end' })]);
      },
      { level: 'any', strategy: 'pct', maxSteps: 50, shrinkRuns: 0 },
    );
    expect(failure.explanation).toMatch(/^ {2}1 to \d+\. spin at \S+ ran before end$/m);
  });

  test('draws the tasks of both runs in one order', async () => {
    const failure = await failureOf(
      function* () {
        const locks = [new Lock(), new Lock()];
        function* take(first: number) {
          yield* locks[first]!.acquire();
          yield* sleep(0);
          yield* locks[1 - first]!.acquire();
          locks[0]!.release();
          locks[1]!.release();
        }
        const one = createTask(() => take(0), { name: 'one' });
        yield* sleep(0);
        yield* sleep(0);
        const two = createTask(() => take(1), { name: 'two' });
        yield* gather([one, two]);
      },
      { level: 'any', strategy: 'dfs' },
    );
    const lanes = failure.explanation.split('\n').flatMap((line) => /^ {2}(Task-1|one|two)\b/.exec(line)?.[1] ?? []);
    expect(lanes.slice(0, 3)).toEqual(lanes.slice(3));
  });
});
