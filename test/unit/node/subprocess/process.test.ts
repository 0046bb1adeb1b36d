import { createHash } from 'node:crypto';
import { CancelledError, createTask, gather, sleep, TimeoutError, timeout, ValueError, wait } from 'asyncio-ts';
import {
  BrokenPipeError,
  ConnectionResetError,
  createSubprocessExec,
  createSubprocessShell,
  PIPE,
  ProcessLookupError,
} from 'asyncio-ts/node';
import { expect, it, vi } from 'vitest';
import { expectMistake, expectThrown } from '../../../support/mistakes.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { isAlive, program, text, until } from './support.ts';

const BOTH = { stdin: PIPE, stdout: PIPE } as const;

describeBoth('Process.wait', (s) => {
  it(
    'gives the exit code',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'exit 23'));
      expect(yield* s.wait(process.wait())).toBe(23);
      expect([process.returncode, yield* s.wait(process.wait())]).toEqual([23, 23]);
    }),
  );

  it.each([
    ['SIGKILL', -9],
    ['SIGTERM', -15],
    [1, -1],
  ])('gives minus the signal that has ended it: %s', (signal, returncode) =>
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000'));
      process.sendSignal(signal);
      expect(yield* s.wait(process.wait())).toBe(returncode);
    })(),
  );

  it(
    'wakes all waiting tasks',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const waiting = gather(...Array.from({ length: 5 }, () => process.wait()));
      process.stdin!.close();
      expect(yield* s.wait(waiting)).toEqual([0, 0, 0, 0, 0]);
    }),
  );

  it(
    'wakes when the process ends, even if its pipes are open elsewhere',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('sleep 1000 & echo $!; exit 3', { stdout: PIPE }));
      expect(yield* s.wait(process.wait())).toBe(3);
      const grandchild = Number(text(yield* s.wait(process.stdout!.readline())));
      expect(isAlive(grandchild)).toBe(true);
      expect(process.stdout!.atEof()).toBe(false);
      globalThis.process.kill(grandchild, 'SIGKILL');
      expect(yield* s.wait(process.stdout!.read())).toEqual(new Uint8Array(0));
    }),
  );

  it(
    'can be cancelled, and leaves the process running',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const task = createTask(() => process.wait());
      yield* iterations(s, 3);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([null, true]);
      expect(text((yield* s.wait(process.communicate('still there')))[0])).toBe('still there');
      expect(process.returncode).toBe(0);
    }),
  );

  it(
    'can be waited for a limited time',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const late = timeout(0.001, () => process.wait());
      expect(yield* failure(s, late)).toBeInstanceOf(TimeoutError);
      process.kill();
      expect(yield* s.wait(timeout(60, () => process.wait()))).toBe(-9);
    }),
  );

  it(
    'says what the task waits for',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const tasks = [createTask(() => process.wait()), createTask(() => process.stdout!.readline())];
      yield* iterations(s, 3);
      expect(tasks.map(String)).toEqual([
        expect.stringContaining('waits_for=wait cb'),
        expect.stringContaining('waits_for=readline cb'),
      ]);
      process.stdin!.close();
      yield* s.wait(gather(...tasks));
    }),
  );
});

describeBoth('Process.communicate', (s) => {
  it(
    'feeds the input, and reads both outputs',
    program(s, function* () {
      const options = { ...BOTH, stderr: PIPE } as const;
      const process = yield* s.wait(createSubprocessShell('tr a-z A-Z; echo error >&2', options));
      const [stdout, stderr] = yield* s.wait(process.communicate('some téxt'));
      expect([text(stdout), text(stderr), process.returncode]).toEqual(['SOME TéXT', 'error\n', 0]);
    }),
  );

  it(
    'closes the input when there is nothing to feed',
    program(s, function* () {
      for (const input of [undefined, null, '', new Uint8Array(0)]) {
        const process = yield* s.wait(createSubprocessExec('cat', BOTH));
        expect(yield* s.wait(process.communicate(input))).toEqual([new Uint8Array(0), null]);
        expect([process.returncode, process.stdin!.isClosing()]).toEqual([0, true]);
      }
    }),
  );

  it(
    'goes on where streams were used before',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      process.stdin!.write('first\n');
      expect(text(yield* s.wait(process.stdout!.readline()))).toBe('first\n');
      expect(text((yield* s.wait(process.communicate('second\nthird')))[0])).toBe('second\nthird');
    }),
  );

  it(
    'brings 100 MB through both pipes at once without loss',
    { timeout: 60_000 },
    program(s, function* () {
      const chunk = new Uint8Array(1_000_000).map((_, i) => (i * 31 + (i >> 8)) & 255);
      const input = new Uint8Array(100_000_000);
      for (let i = 0; i < 100; i++) input.set(chunk, i * chunk.length);
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const [output] = yield* s.wait(process.communicate(input));
      const hash = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');
      expect([output!.length, hash(output!), process.returncode]).toEqual([input.length, hash(input), 0]);
    }),
  );

  it(
    'does not mind that the process does not read its input',
    program(s, function* () {
      const options = { ...BOTH, stderr: PIPE } as const;
      for (const script of ['exec 0<&-; echo closed', 'head -c 5; echo; echo closed', 'exit 0; echo']) {
        const process = yield* s.wait(createSubprocessShell(script, options));
        const [stdout] = yield* s.wait(process.communicate(new Uint8Array(5_000_000).fill(97)));
        expect(text(stdout)).toBe(
          script.startsWith('head') ? 'aaaaa\nclosed\n' : script.includes('exec') ? 'closed\n' : '',
        );
        expect(process.returncode).toBe(0);
      }
    }),
  );

  it(
    'takes input and gives output by name, and text when it is asked to',
    program(s, function* () {
      const start = () => createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE });
      const output = yield* s.wait((yield* s.wait(start())).communicate({ input: 'grün', encoding: 'utf-8' }));
      expect([output.stdout, output.stderr]).toEqual(['grün', null]);
      expect(output).toEqual(['grün', null]);
      const { stdout } = yield* s.wait((yield* s.wait(start())).communicate({ input: 'x', text: true }));
      expect(stdout).toBe('x');
      const bytes = yield* s.wait((yield* s.wait(start())).communicate({ input: 'x' }));
      expect(bytes.stdout).toEqual(new TextEncoder().encode('x'));
      expect(Object.keys(bytes)).toEqual(['0', '1']);
      const process = yield* s.wait(start());
      const says = ["no option 'data'", 'communicate({ input, encoding })'];
      expectThrown(() => process.communicate({ data: 'x' } as never), {
        type: TypeError,
        code: 'UNKNOWN_OPTION',
        says,
      });
      yield* s.wait(process.stop());
    }),
  );

  it(
    'refuses input for which there is no pipe, and a value that is not input',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('true'));
      const says = ['no pipe', 'stdin: PIPE'];
      expectThrown(() => process.communicate('x'), { type: ValueError, code: 'NO_PIPE', says });
      const notBytes = { type: TypeError, code: 'NOT_BYTES', says: ['communicate', 'got 5'] };
      expectThrown(() => process.communicate(5 as never), notBytes);
      expect(yield* s.wait(process.communicate())).toEqual([null, null]);
    }),
  );

  it(
    'loses nothing of the output when it is cancelled',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('echo all of it; exec sleep 1000', { stdout: PIPE }));
      const fed = vi.spyOn(process.stdout!, 'feedData');
      const task = createTask(() => process.communicate());
      yield* until(s, () => fed.mock.calls.length > 0);
      yield* iterations(s, 3);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      process.kill();
      expect(text((yield* s.wait(process.communicate()))[0])).toBe('all of it\n');
    }),
  );

  it(
    'gives the whole output at the second call when the first is cancelled; more input is refused, as it would be lost',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('cat; exec sleep 1000', BOTH));
      const fed = vi.spyOn(process.stdout!, 'feedData');
      const task = createTask(() => process.communicate('first '));
      yield* until(s, () => fed.mock.calls.length > 0);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      const refused = yield* failure(s, process.communicate('second'));
      expect(refused).toMatchObject({ name: 'ValueError', code: 'INPUT_CLOSED' });
      process.kill();
      expect(text((yield* s.wait(process.communicate('')))[0])).toBe('first ');
      expect(yield* failure(s, process.communicate('third'))).toMatchObject({ code: 'INPUT_CLOSED' });
    }),
  );

  it(
    'takes input after a call that was cancelled before it began',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const task = createTask(() => process.communicate('never written'));
      task.cancel();
      yield* s.wait(wait([task]));
      expect(text((yield* s.wait(process.communicate('input')))[0])).toBe('input');
    }),
  );

  it(
    'fails when another task reads the output, and the process goes on',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const reading = createTask(() => process.stdout!.readline());
      yield* iterations(s, 3);
      const error = yield* failure(s, process.communicate('a line\n'));
      expect(error).toMatchObject({ name: 'RuntimeError', code: 'ANOTHER_READS' });
      expect(process.returncode).toBe(null);
      process.kill();
      yield* s.wait(gather([reading, process.wait()], { returnExceptions: true }));
    }),
  );
});

describeBoth('the streams of a process', (s) => {
  it(
    'can be talked over',
    program(s, function* () {
      const script = 'while read line; do echo "<$line>"; done; echo end';
      const { stdin, stdout, ...process } = yield* s.wait(createSubprocessShell(script, BOTH));
      for (const word of ['one', 'two']) {
        stdin!.write(`${word}\n`);
        yield* s.wait(stdin!.drain());
        expect(text(yield* s.wait(stdout!.readline()))).toBe(`<${word}>\n`);
      }
      stdin!.writeEof();
      expect(text(yield* s.wait(stdout!.read()))).toBe('end\n');
      yield* s.wait(stdin!.waitClosed());
      expect(process.pid).toBeGreaterThan(0);
    }),
  );

  it(
    'can be read after the process has ended',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('seq 1000', { stdout: PIPE }));
      yield* s.wait(process.wait());
      const output = text(yield* s.wait(process.stdout!.read()));
      expect(output).toBe(Array.from({ length: 1_000 }, (_, i) => `${i + 1}\n`).join(''));
    }),
  );

  it(
    'report the end of an output also when the process continues',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('echo a; exec >&-; read line; exit 5', BOTH));
      expect(text(yield* s.wait(process.stdout!.read()))).toBe('a\n');
      expect(process.returncode).toBe(null);
      process.stdin!.write('go\n');
      expect(yield* s.wait(process.wait())).toBe(5);
    }),
  );

  it(
    'throw in a writer when the process does not read any more',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessShell('exec 0<&-; echo closed; exec sleep 1000', BOTH));
      yield* s.wait(process.stdout!.readline());
      process.stdin!.write(new Uint8Array(1_000_000));
      expect(yield* failure(s, process.stdin!.drain())).toBeInstanceOf(ConnectionResetError);
      const error = yield* failure(s, process.stdin!.waitClosed());
      expectMistake(error, { type: BrokenPipeError, code: 'EPIPE', says: ['EPIPE'] });
      process.stdin!.write('in vain');
      process.kill();
      yield* s.wait(process.wait());
    }),
  );

  it(
    'end the waits of drain when the process is killed',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000', { stdin: PIPE }));
      process.stdin!.write(new Uint8Array(1_000_000));
      const draining = createTask(() => process.stdin!.drain());
      yield* iterations(s, 3);
      expect(draining.done()).toBe(false);
      process.kill();
      yield* s.wait(gather([draining], { returnExceptions: true }));
      expect(yield* s.wait(process.wait())).toBe(-9);
    }),
  );

  it(
    'bring 100 MB to a process and back without loss, and keep little of it at any time',
    { timeout: 60_000 },
    program(s, function* () {
      const chunk = new Uint8Array(62_500).map((_, i) => (i * 31 + (i >> 8)) & 255);
      const process = yield* s.wait(createSubprocessExec('cat', BOTH));
      const sent = createHash('sha1');
      const received = createHash('sha1');
      let toSend = 0;
      const feeder = s.fn(function* () {
        for (let i = 0; i < 1_600; i++) {
          chunk[0] = i & 255;
          const copy = chunk.slice();
          sent.update(copy);
          process.stdin!.write(copy);
          toSend = Math.max(toSend, process.stdin!.transport.getWriteBufferSize());
          yield* s.wait(process.stdin!.drain());
        }
        process.stdin!.close();
      });
      const feeding = createTask(feeder);
      let kept = 0;
      let count = 0;
      while (true) {
        kept = Math.max(kept, Number(String(process.stdout).match(/(\d+) bytes/)?.[1] ?? 0));
        const part = yield* s.wait(process.stdout!.read(100_000));
        if (part.length === 0) break;
        received.update(part);
        count += part.length;
      }
      yield* s.wait(feeding);
      expect([count, received.digest('hex')]).toEqual([100_000_000, sent.digest('hex')]);
      // One piece more than the high mark; twice the limit, and one chunk of the runtime.
      expect(toSend).toBeLessThanOrEqual(65_536 + 62_500);
      expect(kept).toBeLessThan(3 * 65_536 + 1);
      expect(yield* s.wait(process.wait())).toBe(0);
    }),
  );

  it(
    'keep at most twice the limit, and slow the process down',
    program(s, function* () {
      // It counts the bytes that it could write before the other side stopped reading; then it reports the number, and goes on.
      const script = `
        import os, select
        os.set_blocking(1, False)
        n = 0
        while select.select([], [1], [], 0.2)[1]: n += os.write(1, b'x' * 4096)
        os.write(2, b'%d\\n' % n)
        os.set_blocking(1, True)
        for _ in range(1000): n += os.write(1, b'x' * 10000)
        os.write(2, b'%d\\n' % n)`.replace(/^ {8}/gm, '');
      const options = { stdout: PIPE, stderr: PIPE, limit: 1_000 } as const;
      const process = yield* s.wait(createSubprocessExec('python3', '-c', script, options));
      const first = Number(text(yield* s.wait(process.stderr!.readline())));
      expect(first).toBeGreaterThan(2_000);
      // The system's own buffer, two chunks of the runtime, and ours.
      expect(first).toBeLessThan(1_000_000);
      expect(String(process.stdout)).toContain('paused');
      let count = 0;
      while (true) {
        const chunk = yield* s.wait(process.stdout!.read(65_536));
        if (chunk.length === 0) break;
        count += chunk.length;
      }
      expect(count).toBe(Number(text(yield* s.wait(process.stderr!.readline()))));
      expect(yield* s.wait(process.wait())).toBe(0);
    }),
  );

  it(
    'stay slow when the process ends and another one goes on writing',
    program(s, function* () {
      // Runtimes let all pipes of a process flow when that has ended.
      const script = 'yes >&1 & echo $! >&2';
      const process = yield* s.wait(createSubprocessShell(script, { stdout: PIPE, stderr: PIPE, limit: 1_000 }));
      const grandchild = Number(text(yield* s.wait(process.stderr!.readline())));
      yield* s.wait(process.wait());
      yield* until(s, () => String(process.stdout).includes('paused'));
      yield* iterations(s, 50);
      const kept = Number(String(process.stdout).match(/(\d+) bytes/)?.[1]);
      expect(kept).toBeLessThan(500_000);
      expect(String(process.stdout)).toContain('paused');
      globalThis.process.kill(grandchild, 'SIGKILL');
      expect((yield* s.wait(process.stdout!.read())).length).toBeGreaterThanOrEqual(kept);
    }),
  );
});

describeBoth('a signal', (s) => {
  it(
    'reaches the process',
    program(s, function* () {
      const script = 'trap "echo caught; exit 4" USR1; echo ready; while :; do read x; done';
      const process = yield* s.wait(createSubprocessShell(script, BOTH));
      yield* s.wait(process.stdout!.readline());
      process.sendSignal('SIGUSR1');
      process.stdin!.write('\n'); // the shell looks at traps between its commands
      expect(text(yield* s.wait(process.stdout!.readline()))).toBe('caught\n');
      expect(yield* s.wait(process.wait())).toBe(4);
    }),
  );

  it(
    'can be that which asks, or that which kills',
    program(s, function* () {
      const asked = yield* s.wait(createSubprocessExec('sleep', '1000'));
      asked.terminate();
      const killed = yield* s.wait(createSubprocessExec('sleep', '1000'));
      killed.kill();
      expect(yield* s.wait(gather(asked.wait(), killed.wait()))).toEqual([-15, -9]);
    }),
  );

  it(
    'is one that there is',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000'));
      expectThrown(() => process.sendSignal('SIGNOPE'), {
        type: ValueError,
        code: 'UNKNOWN_SIGNAL',
        says: ['SIGNOPE'],
      });
      expectThrown(() => process.sendSignal(null as never), {
        type: TypeError,
        code: 'INVALID_ARGUMENT',
        says: ['null'],
      });
      process.sendSignal(0); // changes nothing
      expect(process.returncode).toBe(null);
      process.kill();
      yield* s.wait(process.wait());
    }),
  );

  it(
    'throws when the process has ended and its pipes are closed',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('true', { stdout: PIPE }));
      yield* s.wait(process.communicate());
      for (const call of [() => process.sendSignal('SIGTERM'), () => process.terminate(), () => process.kill()])
        expectThrown(call, { type: ProcessLookupError, code: 'ESRCH', says: [String(process.pid), 'has ended'] });
    }),
  );

  it(
    'does nothing when the process has ended and its pipes are open',
    program(s, function* () {
      const process = yield* s.wait(
        createSubprocessShell('head -c 100000 /dev/zero; exit 6', { stdout: PIPE, limit: 1 }),
      );
      yield* s.wait(process.wait());
      expect(process.stdout!.atEof()).toBe(false);
      process.kill();
      expect((yield* s.wait(process.stdout!.read())).length).toBe(100_000);
      expect(process.returncode).toBe(6);
    }),
  );

  it(
    'may come at the same time as the end',
    program(s, function* () {
      for (let i = 0; i < 20; i++) {
        const process = yield* s.wait(createSubprocessShell('read x; exit 0', { stdin: PIPE }));
        process.stdin!.write('\n');
        yield* s.wait(sleep(0));
        try {
          process.kill();
        } catch (error) {
          expect(error).toBeInstanceOf(ProcessLookupError);
        }
        expect([0, -9]).toContain(yield* s.wait(process.wait()));
      }
    }),
  );
});

describeBoth('methods of a process', (s) => {
  it(
    'are bound to it',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000'));
      const { terminate, sendSignal, kill } = process;
      sendSignal('SIGCONT');
      terminate();
      expect(yield* s.wait(process.wait())).toBe(-15);
      expect(kill).not.toBe(Object.getPrototypeOf(process).kill);
    }),
  );
});
