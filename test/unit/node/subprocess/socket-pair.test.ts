import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CancelledError, createTask, getRunningLoop } from 'asyncio-ts';
import { afterAll, expect, it } from 'vitest';
import { socketPair } from '../../../../src/node/subprocess/socket-pair.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { program, text, until } from './support.ts';

const { TMPDIR } = process.env;
const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-'));
process.env['TMPDIR'] = folder;
afterAll(() => {
  process.env['TMPDIR'] = TMPDIR;
  rmSync(folder, { recursive: true });
});

/** How many sockets and servers of Unix sockets are open. */
function open(): number {
  return process.getActiveResourcesInfo().filter((name) => /Pipe/.test(name)).length;
}

describeBoth('a pair of sockets', (s) => {
  it(
    'is connected, and leaves nothing in the file system',
    program(s, function* () {
      const task = createTask(() => socketPair(getRunningLoop()));
      const { near, far } = yield* s.wait(task);
      let received = '';
      near.on('data', (chunk: Uint8Array) => {
        received += text(chunk);
      });
      near.resume();
      far.end('hello');
      yield* until(s, () => received === 'hello');
      far.destroy();
      near.destroy();
      expect(readdirSync(folder)).toEqual([]);
    }),
  );

  it(
    'is closed when it is cancelled before it is there, whenever that is',
    program(s, function* () {
      const before = open();
      for (let turns = 1, cancelled = true; cancelled; turns *= 2) {
        const task = createTask(() => socketPair(getRunningLoop()));
        yield* iterations(s, turns);
        cancelled = task.cancel();
        if (cancelled) {
          expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
        } else {
          task.result().near.destroy();
          task.result().far.destroy();
        }
        expect(readdirSync(folder)).toEqual([]);
        yield* until(s, () => open() <= before);
      }
    }),
  );

  it(
    'fails with what the system says',
    program(s, function* () {
      process.env['TMPDIR'] = path.join(folder, 'x'.repeat(50), 'y'.repeat(90));
      try {
        const task = createTask(() => socketPair(getRunningLoop()));
        expect(yield* failure(s, task)).toMatchObject({ code: 'ENOENT' });
      } finally {
        process.env['TMPDIR'] = folder;
      }
    }),
  );
});
