import { sleep } from 'asyncio-ts';
import { createSubprocessShell, PIPE } from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { groupRuns } from '../../../../src/node/subprocess/group.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { isAlive, program, text, until } from './support.ts';

describeBoth('a group of processes', (s) => {
  it(
    'runs while one of them does',
    program(s, function* () {
      const options = { stdin: PIPE, stdout: PIPE, startNewSession: true } as const;
      const process = yield* s.wait(createSubprocessShell('sleep 1000 & echo $!; read go', options));
      const child = Number(text(yield* s.wait(process.stdout!.readline())));
      expect([groupRuns(process.pid), groupRuns(child)]).toEqual([true, false]);
      process.stdin!.write('go\n');
      yield* s.wait(process.wait());
      expect(groupRuns(process.pid)).toBe(true);
      globalThis.process.kill(child, 'SIGKILL');
      yield* until(s, () => !isAlive(child));
      expect(groupRuns(process.pid)).toBe(false);
    }),
  );

  it(
    'does not run when the remaining ones have ended, and no code has asked for their outcome',
    program(s, function* () {
      const options = { stdin: PIPE, stdout: PIPE, startNewSession: true } as const;
      const process = yield* s.wait(createSubprocessShell('sleep 1000 & echo $!; exec cat', options));
      const child = Number(text(yield* s.wait(process.stdout!.readline())));
      // What answers is no shell any more, and never asks how its child has ended.
      process.stdin!.write('ready\n');
      expect(text(yield* s.wait(process.stdout!.readline()))).toBe('ready\n');
      globalThis.process.kill(child, 'SIGKILL');
      yield* until(s, () => !isAlive(child));
      expect(() => globalThis.process.kill(child, 0)).not.toThrow(); // it is a zombie
      expect(groupRuns(process.pid)).toBe(true);
      process.kill();
      yield* s.wait(process.wait());
      yield* s.wait(sleep(0));
      expect(groupRuns(process.pid)).toBe(false);
    }),
  );
});
