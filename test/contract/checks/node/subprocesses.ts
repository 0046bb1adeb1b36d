import { CancelledError, createTask, getRunningLoop, run, sleep, TimeoutError, timeout, ValueError } from 'asyncio-ts';
import {
  CalledProcessError,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  FileNotFoundError,
  PermissionError,
  PIPE,
  ProcessLookupError,
  runProcess,
  STDOUT,
  SubprocessProtocol,
  subprocessExec,
} from 'asyncio-ts/node';
import { withPrograms } from '../../lib/environment.ts';
import { equal, ok, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Steps } from '../../lib/spellings.ts';
import { text } from '../../lib/text.ts';

const { checkBoth, live } = subject('subprocesses', withPrograms);

/** Whether there is such a process; one that has ended and whose exit code has not been read counts as well. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether one runs that is no child of this: another one has to ask after it, and may be slow. */
function runs(pid: number): boolean {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return process.platform !== 'linux' && exists(pid);
  }
}

function gone(pid: number): void {
  ok(!exists(pid), `no process ${pid}`);
}

live('a program sees its arguments as they are, and the shell its command', function* (s) {
  const program = yield* s.wait(createSubprocessExec('echo', 'a b', '$HOME;', { stdout: PIPE }));
  const [output] = yield* s.wait(program.communicate());
  equal([text(output), program.returncode], ['a b $HOME;\n', 0]);
  gone(program.pid);
  const options = { stdout: PIPE, cwd: '/', env: { ...process.env, WORD: 'grüße' } } as const;
  const shell = yield* s.wait(createSubprocessShell('echo "$WORD" && pwd', options));
  equal(text((yield* s.wait(shell.communicate()))[0]), 'grüße\n/\n');
});

live('a program ends with its code, or with -N after signal N', function* (s) {
  const failing = yield* s.wait(createSubprocessShell('exit 7'));
  equal([yield* s.wait(failing.wait()), failing.returncode], [7, 7]);
  equal(yield* s.wait(failing.wait()), 7, 'the return code, asked for again');
  const sleeping = () => createSubprocessExec('sleep', '1000');
  const terminated = yield* s.wait(sleeping());
  equal(terminated.returncode, null);
  terminated.terminate();
  equal(yield* s.wait(terminated.wait()), -15);
  const killed = yield* s.wait(sleeping());
  killed.kill();
  equal(yield* s.wait(killed.wait()), -9);
  const interrupted = yield* s.wait(sleeping());
  interrupted.sendSignal('SIGINT');
  equal(yield* s.wait(interrupted.wait()), -2);
  const own = yield* s.wait(createSubprocessShell('kill -HUP $$'));
  equal(yield* s.wait(own.wait()), -1);
  throws(() => killed.sendSignal('SIGTERM'), ProcessLookupError);
  for (const { pid } of [failing, terminated, killed, interrupted, own]) gone(pid);
});

live('many bytes go through a program and come back', function* (s) {
  const input = new Uint8Array(1_000_000).map((_, i) => i * 7 + (i >> 8));
  const cat = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE }));
  const [output, errors] = yield* s.wait(cat.communicate(input));
  ok(output?.length === input.length && output.every((byte, i) => byte === input[i]), 'the bytes that were written');
  equal([errors, cat.returncode], [null, 0]);
});

live('a program that does not want its input is no error', function* (s) {
  const deaf = yield* s.wait(createSubprocessShell('exec <&-; echo done', { stdin: PIPE, stdout: PIPE }));
  const [output] = yield* s.wait(deaf.communicate(new Uint8Array(1_000_000)));
  equal([text(output), deaf.returncode], ['done\n', 0]);
});

live('lines go to a program and come back one by one', function* (s) {
  const cat = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE }));
  for (const line of ['one\n', 'two\n']) {
    cat.stdin?.write(line);
    yield* s.wait(cat.stdin?.drain());
    equal(text((yield* s.wait(cat.stdout?.readline())) ?? null), line);
  }
  cat.stdin?.close();
  equal((yield* s.wait(cat.stdout?.read()))?.length, 0, 'bytes at the end');
  equal(yield* s.wait(cat.wait()), 0);
});

live('the error output is apart, in order with the other, or nowhere', function* (s) {
  const command = 'echo out; echo err >&2; echo out again';
  const apart = yield* s.wait(createSubprocessShell(command, { stdout: PIPE, stderr: PIPE }));
  equal((yield* s.wait(apart.communicate())).map(text), ['out\nout again\n', 'err\n']);
  const merged = yield* s.wait(createSubprocessShell(command, { stdout: PIPE, stderr: STDOUT }));
  const [output, none] = yield* s.wait(merged.communicate());
  equal([text(output), none], ['out\nerr\nout again\n', null]);
  const quiet = yield* s.wait(createSubprocessShell(command, { stdin: DEVNULL, stdout: DEVNULL, stderr: DEVNULL }));
  equal([yield* s.wait(quiet.wait()), quiet.stdin, quiet.stdout, quiet.stderr], [0, null, null, null]);
});

live('a program is slowed down while its output is not read, and no output is lost', function* (s) {
  const lines = 200_000;
  const program = yield* s.wait(createSubprocessExec('seq', `${lines}`, { stdout: PIPE, limit: 1_000 }));
  yield* s.wait(sleep(0.02));
  equal(program.returncode, null, 'the return code of a program that nobody reads');
  let last = '';
  let read = 0;
  for (;;) {
    const chunk = text((yield* s.wait(program.stdout?.read(100_000))) ?? null);
    if (chunk === '') break;
    read += chunk.length;
    last = chunk;
  }
  equal([read, last.endsWith(`\n${lines}\n`)], [1_288_895, true]);
  equal(yield* s.wait(program.wait()), 0);
});

live('a process has ended although another one has its pipes open', function* (s) {
  const parent = yield* s.wait(createSubprocessShell('sleep 1000 & echo $!', { stdout: PIPE }));
  const pid = Number(text((yield* s.wait(parent.stdout?.readline())) ?? null));
  equal(yield* s.wait(parent.wait()), 0);
  ok(runs(pid), 'a grandchild that lives on');
  process.kill(pid, 'SIGKILL');
  equal((yield* s.wait(parent.stdout?.read()))?.length, 0, 'bytes when it has ended, too');
});

live('a wait that is cancelled leaves the process running', function* (s) {
  const sleeping = yield* s.wait(createSubprocessExec('sleep', '1000'));
  yield* s.fails(
    timeout(0.01, () => sleeping.wait()),
    TimeoutError,
  );
  ok(sleeping.returncode === null && exists(sleeping.pid), 'a process that runs');
  equal(yield* s.wait(sleeping.stop()), -15);
  gone(sleeping.pid);
});

live('a wait that is cancelled ends the process when that was asked for', function* (s) {
  const ended = yield* s.wait(createSubprocessExec('sleep', '1000', { killOnCancel: true }));
  const waiting = createTask(ended.wait());
  getRunningLoop().callLater(0.01, () => waiting.cancel());
  yield* s.fails(waiting, CancelledError);
  equal(ended.returncode, -15);
  gone(ended.pid);
  const stubborn = yield* s.wait(
    createSubprocessShell('trap "" TERM; echo ready; while :; do sleep 0.01; done', {
      stdout: PIPE,
      killOnCancel: true,
      gracePeriod: 0.05,
    }),
  );
  yield* s.wait(stubborn.stdout?.readline());
  yield* s.fails(
    timeout(0.01, () => stubborn.wait()),
    TimeoutError,
  );
  equal(stubborn.returncode, -9);
  gone(stubborn.pid);
});

live('a whole group ends with its first process', function* (s) {
  const shell = yield* s.wait(
    createSubprocessShell('sleep 1000 & echo $!; wait', { stdout: PIPE, killGroup: true, gracePeriod: 2 }),
  );
  const pid = Number(text((yield* s.wait(shell.stdout?.readline())) ?? null));
  ok(runs(pid), 'a grandchild');
  yield* s.wait(shell.stop());
  gone(shell.pid);
  ok(!runs(pid), 'no grandchild');
});

live('a program that cannot be started is reported at once', function* (s) {
  const missing = yield* s.fails(createSubprocessExec('no-such-program-at-all'), FileNotFoundError);
  equal([missing.code, missing.path], ['ENOENT', 'no-such-program-at-all']);
  const nowhere = yield* s.fails(createSubprocessExec('echo', { cwd: '/no/such/folder' }), FileNotFoundError);
  ok(nowhere.message.includes('/no/such/folder'), `the folder in ${nowhere.message}`);
  equal((yield* s.fails(createSubprocessExec('/etc/passwd'), PermissionError)).code, 'EACCES');
  throws(() => createSubprocessExec('echo', 'a\0b'), ValueError);
  const shell = yield* s.wait(createSubprocessShell('no-such-program-at-all', { stderr: DEVNULL }));
  equal(yield* s.wait(shell.wait()), 127);
});

live('a program is run to its end', function* (s) {
  const sorted = yield* s.wait(runProcess('sort', ['-n'], { input: '10\n9\n', encoding: 'utf-8' }));
  equal([sorted.returncode, sorted.stdout, sorted.stderr], [0, '9\n10\n', '']);
  const failure = runProcess('sh', ['-c', 'echo why >&2; exit 3'], { check: true });
  equal((yield* s.fails(failure, CalledProcessError, /returned 3: why$/)).returncode, 3);
  yield* s.fails(runProcess('sleep', ['1000'], { timeout: 0.01 }), TimeoutError);
});

/** Notes its calls for each pipe separately, because the order between pipes is not promised. */
class Notes extends SubprocessProtocol {
  readonly notes: Record<string, string> = { out: '', err: '', process: '' };
  readonly lost = getRunningLoop().createFuture<void>();

  override connectionMade(): void {
    this.notes.process += 'made';
  }

  override pipeDataReceived(fd: number, data: Uint8Array): void {
    this.notes[fd === 1 ? 'out' : 'err'] += text(data);
  }

  override pipeConnectionLost(fd: number, error: unknown): void {
    if (fd > 0) this.notes[fd === 1 ? 'out' : 'err'] += `lost ${error}`;
  }

  override processExited(): void {
    this.notes.process += ' exited';
  }

  override connectionLost(error: unknown): void {
    this.notes.process += ` lost ${error}`;
    this.lost.setResult(undefined);
  }
}

live('events reach a protocol in order', function* (s) {
  const [transport, protocol] = yield* s.wait(
    subprocessExec(() => new Notes(), 'sh', '-c', 'echo out; echo err >&2; exit 4'),
  );
  yield* s.wait(protocol.lost);
  equal(protocol.notes, { out: 'out\nlost null', err: 'err\nlost null', process: 'made exited lost null' });
  equal(transport.getReturncode(), 4);
  gone(transport.getPid());
});

checkBoth('no process is left when its loop is closed', async (s) => {
  const start = s.fn(function* (): Steps<number> {
    return (yield* s.wait(createSubprocessExec('sleep', '1000', { stdin: PIPE, stdout: PIPE }))).pid;
  });
  const pid = await run(start);
  const inTime = s.fn(function* () {
    while (exists(pid)) yield* s.wait(sleep(0.001));
  });
  await run(() => timeout(4, inTime));
});
