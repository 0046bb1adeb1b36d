import { readFileSync } from 'node:fs';
import path from 'node:path';
import { addInstrument, CancelledError, createTask, type Future, forEach, getRunningLoop, type Task } from 'asyncio-ts';
import { type AsyncFile, openFile, readLines } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { allIsClosedIn, fileOf } from './support.ts';

type Moment = 'while it waits' | 'when what it waits for is done';

/** Cancels a task at its n-th wait. Returns a function that stops watching, and tells whether the task was cancelled. */
function cancelAtWait(task: () => Task<unknown> | null, n: number, moment: Moment): () => boolean {
  let left = n;
  const remove = addInstrument({
    waitBegin(waiting, on) {
      if (waiting !== task() || --left !== 0) return;
      const future = on as Future<unknown>;
      if (moment === 'while it waits') {
        getRunningLoop().callSoon(() => void waiting.cancel());
        return;
      }
      // The last moment: the wait is over, and the task has not gone on.
      const { setResult } = future;
      future.setResult = (result) => {
        setResult.call(future, result);
        waiting.cancel();
      };
    },
  });
  return () => {
    remove();
    return left <= 0;
  };
}

/** What a task does with a file, which it opens and closes itself. */
const scenarios: Record<string, (s: Spelling, path: string) => () => unknown> = {
  'opens, reads, writes and closes in try and finally': (s, path) =>
    s.fn(function* () {
      const file = yield* s.wait(openFile(path, 'r+'));
      try {
        yield* use(s, file);
      } finally {
        yield* s.wait(file.close());
      }
    }),
  'does so with `await using`': (s, path) => async () => {
    await using file = await openFile(path, 'r+');
    const body = s.fn(function* () {
      yield* use(s, file);
    });
    await forEach([0], body);
  },
  'iterates the lines of a path': (s, path) =>
    s.fn(function* () {
      const read = s.fn(function* (line: Uint8Array) {
        yield* s.wait(forEach([line], () => Promise.resolve()));
      });
      yield* s.wait(forEach(readLines(path), read));
    }),
};

function* use(s: Spelling, file: AsyncFile): Generator<unknown, void, unknown> {
  yield* s.wait(file.readline());
  yield* s.wait(file.write('XY'));
  yield* s.wait(file.readline());
  yield* s.wait(file.seek(-3, 'end'));
  yield* s.wait(file.write('Z'));
  yield* s.wait(file.sync());
}

const CONTENT = 'one\ntwo\nthree\n';

describeBoth('cancelled at any of its waits', (s) => {
  for (const moment of ['while it waits', 'when what it waits for is done'] as const) {
    test.each(Object.entries(scenarios))(`${moment}, a task that %s leaves nothing open`, (_, scenario) =>
      realProgram(s, function* () {
        let cancelled = 0;
        for (let n = 1; ; n++) {
          const file = fileOf(CONTENT);
          let task: Task<unknown> | null = null;
          const stop = cancelAtWait(() => task, n, moment);
          task = createTask(scenario(s, file) as () => Promise<void>);
          const error = yield* outcome(s, task);
          const came = stop();
          yield* s.wait(createTask(() => allIsClosedIn(path.dirname(file))));
          // Each write is there or not, and no half of it.
          expect(readFileSync(file, 'utf8')).toMatch(/^one\n(two|XYo)\nthr(ee\n|Ze\n)$/);
          if (!came) break;
          expect([n, error]).toEqual([n, expect.any(CancelledError)]);
          cancelled++;
        }
        expect(cancelled).toBeGreaterThan(3);
      })(),
    );
  }
});

/** What a task fails with, `null` when it does not. */
function* outcome(s: Spelling, task: Task<unknown>): Generator<unknown, unknown, unknown> {
  try {
    yield* s.wait(task);
    return null;
  } catch (error) {
    return error;
  }
}

describeBoth('cancelled in the middle', (s) => {
  test(
    'a reader of lines that starts again misses none',
    realProgram(s, function* () {
      const lines = Array.from({ length: 60 }, (_, i) => `${i} ${'x'.repeat(9_000)}\n`);
      const file = yield* s.wait(openFile(fileOf(lines.join('')), { encoding: 'utf-8' }));
      const seen: string[] = [];
      const read = s.fn(function* () {
        const add = s.fn(function* (line: string) {
          seen.push(line);
        });
        yield* s.wait(forEach(file, add));
      });
      for (let n = 1; ; n++) {
        let task: Task<unknown> | null = null;
        const stop = cancelAtWait(
          () => task,
          1 + (n % 2),
          n % 3 === 0 ? 'while it waits' : 'when what it waits for is done',
        );
        task = createTask(read);
        const error = yield* outcome(s, task);
        if (!stop()) break;
        expect(error).toBeInstanceOf(CancelledError);
        expect(n).toBeLessThan(100);
      }
      expect(seen).toEqual(lines);
      yield* s.wait(file.close());
      expect(yield* failure(s, file.read())).toMatchObject({ code: 'FILE_CLOSED' });
    }),
  );
});
