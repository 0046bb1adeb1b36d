import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CancelledError, createTask, TimeoutError, ValueError } from 'asyncio-ts';
import {
  CalledProcessError,
  DEVNULL,
  FileNotFoundError,
  ProcessTimeoutError,
  runProcess,
  STDOUT,
} from 'asyncio-ts/node';
import { expect, expectTypeOf, it } from 'vitest';
import { expectMistake, expectThrown } from '../../../support/mistakes.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { isAlive, program, text, until } from './support.ts';

describeBoth('runProcess', (s) => {
  it(
    'gives the return code and both outputs as bytes',
    program(s, function* () {
      const result = yield* s.wait(runProcess('sh', ['-c', 'echo out; echo err >&2; exit 3']));
      expectTypeOf(result.stdout).toEqualTypeOf<Uint8Array>();
      expect([result.returncode, text(result.stdout), text(result.stderr)]).toEqual([3, 'out\n', 'err\n']);
      expect((yield* s.wait(runProcess('true'))).returncode).toBe(0);
    }),
  );

  it(
    'feeds input, and gives text in an encoding',
    program(s, function* () {
      const result = yield* s.wait(runProcess('cat', [], { input: 'grün', encoding: 'utf-8' }));
      expectTypeOf(result.stdout).toEqualTypeOf<string>();
      expect(result).toEqual({ returncode: 0, stdout: 'grün', stderr: '' });
      const latin = yield* s.wait(runProcess('cat', [], { input: Uint8Array.of(252), encoding: 'latin1' }));
      expect(latin.stdout).toBe('ü');
    }),
  );

  it(
    'gives nothing for an output that is not a pipe',
    program(s, function* () {
      const script = ['-c', 'echo out; echo err >&2'];
      const merged = yield* s.wait(runProcess('sh', script, { stderr: STDOUT, encoding: 'utf-8' }));
      expect([merged.stdout, merged.stderr]).toEqual(['out\nerr\n', '']);
      const silent = yield* s.wait(runProcess('sh', script, { stdout: DEVNULL, stderr: DEVNULL }));
      expect([silent.stdout.length, silent.stderr.length]).toEqual([0, 0]);
    }),
  );

  it(
    'makes an error of a failure when it is asked to',
    program(s, function* () {
      const script = ['-c', 'echo out; echo "first"  >&2; echo "the reason" >&2; exit 3'];
      const error = yield* failure(s, runProcess('sh', script, { check: true, encoding: 'utf-8' }));
      const says = ["'sh -c ", ' returned 3: the reason'];
      expectMistake(error, { type: CalledProcessError, code: 'PROCESS_FAILED', says });
      expect(error).toMatchObject({
        name: 'CalledProcessError',
        command: ['sh', ...script],
        returncode: 3,
        stdout: 'out\n',
        stderr: 'first\nthe reason\n',
      });
      const killed = yield* failure(s, runProcess('sh', ['-c', 'kill -9 $$'], { check: true }));
      expect((killed as Error).message).toBe("'sh -c kill -9 $$' was ended by SIGKILL");
      expect((killed as CalledProcessError).returncode).toBe(-9);
      expect((yield* s.wait(runProcess('true', [], { check: true }))).returncode).toBe(0);
    }),
  );

  it(
    'ends a process whose time is up',
    program(s, function* () {
      const place = '/proc/self/stat';
      expect((yield* s.wait(runProcess('cat', [place], { timeout: 60 }))).returncode).toBe(0);
      const error = yield* failure(s, runProcess('sleep', ['1000'], { timeout: 0.01 }));
      const says = ["'sleep 1000' timed out after 0.01 s"];
      expectMistake(error, { type: TimeoutError, code: 'TIMED_OUT', says });
      expect((error as Error).cause).toBeInstanceOf(CancelledError);
    }),
  );

  it(
    'has the output of a process whose time is up, and says that it was still running',
    program(s, function* () {
      // It is ended when its output is there: the time may be up before the shell has begun.
      const script = ['-c', 'printf "begun\\303"; echo why >&2; exec sleep 1000'];
      let timeout = 0.05;
      let error: unknown;
      do {
        error = yield* failure(s, runProcess('sh', script, { timeout, encoding: 'utf-8' }));
        timeout *= 2;
      } while ((error as ProcessTimeoutError).stderr === '');
      expect(error).toBeInstanceOf(ProcessTimeoutError);
      expect(error).toMatchObject({ name: 'TimeoutError', command: ['sh', ...script], returncode: null });
      // The time may be up within a character.
      expect(error).toMatchObject({ stdout: 'begun\ufffd', stderr: 'why\n', timeout: timeout / 2 });
    }),
  );

  it(
    'does not say that an ended process still runs, when another process keeps its output open',
    program(s, function* () {
      let timeout = 0.05;
      let error: unknown;
      do {
        error = yield* failure(
          s,
          runProcess('sh', ['-c', 'sleep 1000 & echo begun; exit 3'], { timeout, gracePeriod: 0, killGroup: true }),
        );
        timeout *= 2;
      } while ((error as ProcessTimeoutError).returncode === null);
      expect(error).toMatchObject({ returncode: 3, stdout: new TextEncoder().encode('begun\n') });
      expect((error as Error).message).toContain(
        'it has returned 3, but a process that it started keeps its output open',
      );
    }),
  );

  it(
    'gives text in UTF-8, with all that is in it, or fails',
    program(s, function* () {
      const mark = yield* s.wait(runProcess('printf', ['\\357\\273\\277a'], { text: true }));
      expectTypeOf(mark.stdout).toEqualTypeOf<string>();
      expect(mark.stdout).toBe('\ufeffa');
      const wrong = ['\\377'];
      const says = ['runProcess', 'utf-8'];
      const error = yield* failure(s, runProcess('printf', wrong, { text: true }));
      expectMistake(error, { type: ValueError, code: 'INVALID_ENCODING', says });
      const replaced = yield* s.wait(runProcess('printf', wrong, { text: true, errors: 'replace' }));
      expect(replaced.stdout).toBe('\ufffd');
      expect(() => runProcess('x', [], { text: false, encoding: 'utf-8' })).toThrow('text is false');
    }),
  );

  it('refuses halves of surrogate pairs at once, in whatever reaches the process', () => {
    const half = '\ud83d';
    const calls = [
      () => runProcess('cat', [], { input: half }),
      () => runProcess('echo', [half]),
      () => runProcess('true', [], { env: { X: half } }),
      () => runProcess(half),
    ];
    for (const call of calls) expectThrown(call, { type: ValueError, code: 'INVALID_ENCODING', says: ['surrogate'] });
  });

  it(
    'ends the process when it is cancelled',
    program(s, function* () {
      const place = path.join(tmpdir(), `asyncio-${process.pid}-${s.name}`);
      const task = createTask(() =>
        runProcess('sh', ['-c', 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 1000', place]),
      );
      yield* until(s, () => existsSync(place));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(isAlive(Number(readFileSync(place, 'utf8')))).toBe(false);
      rmSync(place);
    }),
  );

  it(
    'fails when the program cannot be started',
    program(s, function* () {
      const error = yield* failure(s, runProcess('nonsense-program'));
      expectMistake(error, { type: FileNotFoundError, code: 'ENOENT', says: ['nonsense-program'] });
    }),
  );

  it('refuses bad options at once', () => {
    const notBytes = { type: TypeError, code: 'NOT_BYTES', says: ['input', 'got 5'] };
    expectThrown(() => runProcess('x', [], { input: 5 as never }), notBytes);
    const noTime = { type: TypeError, code: 'INVALID_DELAY', says: ['timeout'] };
    expectThrown(() => runProcess('x', [], { timeout: 'long' as never }), noTime);
    const noFlag = { type: TypeError, code: 'INVALID_ARGUMENT', says: ['check must be true or false'] };
    expectThrown(() => runProcess('x', [], { check: 1 as never }), noFlag);
    expect(() => runProcess('x', [], { encoding: 'nonsense' })).toThrow(RangeError);
    const noObject = { type: TypeError, code: 'INVALID_ARGUMENT', says: ['options', 'null'] };
    expectThrown(() => runProcess('x', [], null as never), noObject);
  });
});
