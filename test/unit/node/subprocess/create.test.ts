import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { sleep, wrapPromise } from 'asyncio-ts';
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  FileNotFoundError,
  OSError,
  PermissionError,
  PIPE,
  STDOUT,
  type SubprocessOptions,
} from 'asyncio-ts/node';
import { afterAll, expect, it } from 'vitest';
import { expectMistake } from '../../../support/mistakes.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { program, text } from './support.ts';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'asyncio-')));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string, mode = 0o644): string {
  const place = path.join(folder, name);
  writeFileSync(place, content, { mode });
  return place;
}

describeBoth('createSubprocessExec', (s) => {
  it(
    'starts a program with arguments that no shell sees',
    program(s, function* () {
      const args = ['%s|', 'a b', '$HOME', '', '*', "'", 'é'];
      const process = yield* s.wait(createSubprocessExec('printf', ...args, { stdout: PIPE }));
      const [stdout, stderr] = yield* s.wait(process.communicate());
      expect([text(stdout), stderr, process.returncode]).toEqual(["a b|$HOME||*|'|é|", null, 0]);
    }),
  );

  it(
    'does nothing before it is awaited',
    program(s, function* () {
      const place = path.join(folder, `lazy-${s.name}`);
      const starting = createSubprocessExec('touch', place);
      yield* s.wait(sleep(0));
      expect(() => readFileSync(place)).toThrow(/ENOENT/);
      const process = yield* s.wait(starting);
      yield* s.wait(process.wait());
      expect(readFileSync(place, 'utf8')).toBe('');
    }),
  );

  it(
    'takes the program and the folder as URLs',
    program(s, function* () {
      const place = file('program', '#!/bin/sh\npwd\n', 0o755);
      const options = { stdout: PIPE, cwd: pathToFileURL(folder) } as const;
      const process = yield* s.wait(createSubprocessExec(pathToFileURL(place), options));
      const [stdout] = yield* s.wait(process.communicate());
      expect(text(stdout)).toBe(`${folder}\n`);
    }),
  );

  it(
    'gives the process all of its environment, and finds the program in its PATH',
    program(s, function* () {
      const bin = path.join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      file('bin/show-environment', '#!/bin/sh\necho "$A|$B|$HOME|$PATH"\n', 0o755);
      const env = { A: '1', B: undefined, PATH: `${bin}:/bin` };
      const process = yield* s.wait(createSubprocessExec('show-environment', { stdout: PIPE, env }));
      const [stdout] = yield* s.wait(process.communicate());
      expect(text(stdout)).toBe(`1|||${bin}:/bin\n`);
    }),
  );

  it(
    'starts it under another name',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'echo $0', { argv0: 'other', stdout: PIPE }));
      expect(text((yield* s.wait(process.communicate()))[0])).toBe('other\n');
    }),
  );

  it(
    'makes it the leader of a session of its own when it is asked to',
    program(s, function* () {
      const sessions: boolean[] = [];
      for (const startNewSession of [false, true]) {
        const script = 'cut -d" " -f6 /proc/$$/stat';
        const process = yield* s.wait(createSubprocessExec('sh', '-c', script, { startNewSession, stdout: PIPE }));
        const [stdout] = yield* s.wait(process.communicate());
        sessions.push(Number(text(stdout)) === process.pid);
      }
      expect(sessions).toEqual([false, true]);
    }),
  );

  it.runIf(process.getuid?.() === 0)(
    'runs it as another user',
    program(s, function* () {
      const options = { stdout: PIPE, user: 65_534, group: 65_533 } as const;
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'id -u; id -g', options));
      expect(text((yield* s.wait(process.communicate()))[0])).toBe('65534\n65533\n');
    }),
  );

  it(
    'makes streams of pipes only',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', { stdin: DEVNULL, stderr: PIPE }));
      expect([process.stdin, process.stdout]).toEqual([null, null]);
      expect(yield* s.wait(process.communicate())).toEqual([null, new Uint8Array(0)]);
      expect(process.returncode).toBe(0);
    }),
  );

  it(
    'lets output vanish in DEVNULL',
    program(s, function* () {
      const options = { stdout: DEVNULL, stderr: DEVNULL } as const;
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'echo a; echo b >&2', options));
      expect(yield* s.wait(process.communicate())).toEqual([null, null]);
      expect(process.returncode).toBe(0);
    }),
  );

  it(
    'reads from and writes to open files',
    program(s, function* () {
      const source = openSync(file('source', 'some text'), 'r');
      const target = yield* s.wait(wrapPromise(open(path.join(folder, 'target'), 'w')));
      const options = { stdin: source, stdout: target, stderr: STDOUT } as const;
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'cat; echo " and an error" >&2', options));
      expect(yield* s.wait(process.wait())).toBe(0);
      closeSync(source);
      yield* s.wait(wrapPromise(target.close()));
      expect(readFileSync(path.join(folder, 'target'), 'utf8')).toBe('some text and an error\n');
    }),
  );

  it(
    'brings both outputs into one pipe, in the order in which they are written',
    program(s, function* () {
      const script = 'for i in $(seq 300); do echo out $i; echo err $i >&2; done';
      const options = { stdout: PIPE, stderr: STDOUT } as const;
      const process = yield* s.wait(createSubprocessExec('sh', '-c', script, options));
      expect(process.stderr).toBe(null);
      const [stdout, stderr] = yield* s.wait(process.communicate());
      const lines = Array.from({ length: 300 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`);
      expect([text(stdout), stderr]).toEqual([lines.join(''), null]);
    }),
  );

  it(
    'gives a merged pipe to the process alone, and all of its input to it',
    program(s, function* () {
      const options = { stdin: PIPE, stdout: PIPE, stderr: STDOUT } as const;
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'cat >&2; exec >&- 2>&-; read x', options));
      process.stdin!.write('hello\n');
      process.stdin!.write('');
      expect(text(yield* s.wait(process.stdout!.readline()))).toBe('hello\n');
      process.stdin!.close();
      expect(yield* s.wait(process.stdout!.read())).toEqual(new Uint8Array(0));
      yield* s.wait(process.wait());
    }),
  );

  it(
    'shows its kind and its state',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE }));
      expect(process.returncode).toBe(null);
      expect([String(process), inspect(process)]).toEqual(Array(2).fill(`<Process ${process.pid} [running]>`));
      process.stdin!.close();
      yield* s.wait(process.wait());
      expect(String(process)).toBe(`<Process ${process.pid} [returncode=0]>`);
    }),
  );
});

describeBoth('a process that cannot be started', (s) => {
  const interpreter = file('no-interpreter', '#!/no/such/interpreter\n', 0o755);
  const noProgram = file('no-program', 'text');

  it.each([
    ['nonsense-program', {}, FileNotFoundError, 'ENOENT', 'nonsense-program', 'there is no such program in PATH'],
    ['./nonsense', {}, FileNotFoundError, 'ENOENT', './nonsense', 'there is no such file'],
    [interpreter, {}, FileNotFoundError, 'ENOENT', interpreter, 'the interpreter named in its first line'],
    [noProgram, {}, PermissionError, 'EACCES', noProgram, 'the file is not executable'],
    [folder, {}, PermissionError, 'EACCES', folder, 'it is a folder'],
    [`${noProgram}/x`, {}, OSError, 'ENOTDIR', `${noProgram}/x`, 'a part of its path is not a folder'],
    ['ls', { cwd: `${folder}/none` }, FileNotFoundError, 'ENOENT', `${folder}/none`, 'cwd does not exist'],
    ['ls', { cwd: noProgram }, OSError, 'ENOTDIR', noProgram, 'cwd is no folder'],
    [
      'ls',
      { cwd: `${noProgram}/x` },
      OSError,
      'ENOTDIR',
      `${noProgram}/x`,
      'cwd is inside something that is not a folder',
    ],
    ['none', { cwd: folder }, FileNotFoundError, 'ENOENT', 'none', 'there is no such program in PATH'],
    ['none', { stdout: PIPE, stderr: STDOUT }, FileNotFoundError, 'ENOENT', 'none', 'there is no such program in PATH'],
    ['none', { stdin: PIPE, stdout: PIPE, stderr: PIPE }, FileNotFoundError, 'ENOENT', 'none', 'no such program'],
  ])('is refused with an error that says why: %s %j', (name, options, type, code, place, says) =>
    program(s, function* () {
      const error = yield* failure(s, createSubprocessExec(name, options as SubprocessOptions));
      expectMistake(error, { type, code, says: [says] });
      expect(error).toMatchObject({ path: place, syscall: 'spawn' });
      expect((error as Error).cause).toBeInstanceOf(Error);
    })(),
  );

  it(
    'is refused for whatever else the system does not like',
    program(s, function* () {
      const error = yield* failure(s, createSubprocessExec('true', 'x'.repeat(3_000_000)));
      expectMistake(error, { type: OSError, code: 'E2BIG', says: ["cannot start 'true'"] });
    }),
  );

  it(
    'is, for a command, only the shell itself',
    program(s, function* () {
      const shell = path.join(folder, 'no-shell');
      const error = yield* failure(s, createSubprocessShell('true', { shell }));
      expectMistake(error, { type: FileNotFoundError, code: 'ENOENT', says: [shell] });
      const process = yield* s.wait(createSubprocessShell('nonsense-program', { stderr: DEVNULL }));
      expect(yield* s.wait(process.wait())).toBe(127);
    }),
  );
});

describeBoth('createSubprocessShell', (s) => {
  it(
    'runs a command of the shell',
    program(s, function* () {
      const env = { NAME: 'ada', PATH: process.env['PATH'] };
      const child = yield* s.wait(
        createSubprocessShell('echo "hello $NAME" | tr a-z A-Z; exit 7', { stdout: PIPE, env }),
      );
      const [stdout] = yield* s.wait(child.communicate());
      expect([text(stdout), child.returncode]).toEqual(['HELLO ADA\n', 7]);
    }),
  );

  it(
    'takes another shell',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('echo $((6 * 7)) $0', { stdout: PIPE, shell: '/bin/bash' }));
      expect(text((yield* s.wait(process.communicate()))[0])).toBe('42 /bin/bash\n');
    }),
  );

  it(
    'merges what the shell itself complains about, too',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('echo a; (', { stdout: PIPE, stderr: STDOUT }));
      const [stdout] = yield* s.wait(process.communicate());
      expect(text(stdout)).toMatch(/[sS]yntax error/);
      expect(process.returncode).toBe(2);
    }),
  );
});
