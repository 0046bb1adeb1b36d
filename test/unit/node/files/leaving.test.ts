import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createTask, sleep, timeout, wait, wrapPromise } from 'asyncio-ts';
import { openFile, readLines } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { mkfifoSync } from './fifo.ts';
import { allIsClosedIn } from './support.ts';

// Who reads from a pipe waits until somebody writes to it. That may be never, and the system's call cannot be stopped.
describeBoth('leaving a pipe without a writer', (s) => {
  /** Ends the call that was left behind, after which the file is closed by itself. */
  function* released(fifo: string): Generator<unknown, void, unknown> {
    writeFileSync(fifo, 'late\n');
    yield* s.wait(wrapPromise(allIsClosedIn(path.dirname(fifo))));
  }

  test(
    'does not hold up a deadline',
    realProgram(s, function* () {
      const fifo = mkfifoSync();
      const body = async () => {
        await using file = await openFile(fifo, 'r+');
        await file.read(10);
      };
      expect(yield* failure(s, timeout(0.02, body))).toMatchObject({ name: 'TimeoutError' });
      yield* released(fifo);
    }),
  );

  test(
    'does not wait in order either, for what a deadline has left behind',
    realProgram(s, function* () {
      const fifo = mkfifoSync();
      const file = yield* s.wait(openFile(fifo, 'r+'));
      expect(
        yield* failure(
          s,
          timeout(0.02, () => file.readline()),
        ),
      ).toMatchObject({ name: 'TimeoutError' });
      yield* s.wait(file[Symbol.asyncDispose]());
      expect(file.closed).toBe(true);
      yield* released(fifo);
    }),
  );

  test(
    'does not hold up the lines of a path',
    realProgram(s, function* () {
      const fifo = mkfifoSync();
      const keeper = yield* s.wait(openFile(fifo, 'r+')); // or opening it for reading would wait as well
      const task = createTask(() => readLines(fifo).next());
      yield* s.wait(sleep(0.02));
      task.cancel();
      yield* s.wait(wait([task], { timeout: 10 }));
      expect(task.cancelled()).toBe(true);
      yield* s.wait(keeper.write('late\n'));
      yield* s.wait(keeper.close());
      yield* s.wait(wrapPromise(allIsClosedIn(path.dirname(fifo))));
    }),
  );

  test(
    'closes at once when nothing is under way',
    realProgram(s, function* () {
      const fifo = mkfifoSync();
      const file = yield* s.wait(openFile(fifo, 'r+'));
      yield* s.wait(file.write('x\n'));
      yield* s.wait(file.readline());
      yield* s.wait(file[Symbol.asyncDispose]());
      yield* s.wait(wrapPromise(allIsClosedIn(path.dirname(fifo))));
    }),
  );
});
