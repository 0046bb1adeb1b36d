import { inspect } from 'node:util';
import { CancelledError, ContextVar, createTask, getRunningLoop, run, sleep } from 'asyncio-ts';
import {
  type BaseTransport,
  PIPE,
  ProcessLookupError,
  Protocol,
  type ReadTransport,
  STDOUT,
  SubprocessProtocol,
  type SubprocessTransport,
  subprocessExec,
  subprocessShell,
  type WriteTransport,
} from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { expectMistake, expectThrown } from '../../../support/mistakes.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { isAlive, program, text, until } from './support.ts';

/** Notes what it is called with. */
class Notes extends SubprocessProtocol {
  readonly calls: string[] = [];
  readonly output: [string, string, string] = ['', '', ''];
  transport!: SubprocessTransport;

  override connectionMade(transport: BaseTransport): void {
    this.transport = transport as SubprocessTransport;
    this.calls.push('connectionMade');
  }
  override pipeDataReceived(fd: number, data: Uint8Array): void {
    if (this.output[fd] === '') this.calls.push(`pipeDataReceived ${fd}`);
    this.output[fd] += text(data);
  }
  override pipeConnectionLost(fd: number, error: unknown): void {
    this.calls.push(`pipeConnectionLost ${fd} ${error}`);
  }
  override processExited(): void {
    this.calls.push(`processExited ${this.transport.getReturncode()}`);
  }
  override connectionLost(error: unknown): void {
    this.calls.push(`connectionLost ${error}`);
  }
  override pauseWriting(): void {
    this.calls.push('pauseWriting');
  }
  override resumeWriting(): void {
    this.calls.push('resumeWriting');
  }

  get isOver(): boolean {
    return this.calls.at(-1)?.startsWith('connectionLost') === true;
  }
}

const notes = () => new Notes();

describeBoth('subprocessExec', (s) => {
  it(
    'calls the protocol in order',
    program(s, function* () {
      const script = 'read line; echo "$line"; echo error >&2; exit 5';
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'sh', '-c', script));
      expect(protocol.calls).toEqual(['connectionMade']);
      expect(protocol.transport).toBe(transport);
      (transport.getPipeTransport(0) as WriteTransport).write('hello\n');
      yield* until(s, () => protocol.isOver);
      const { calls, output } = protocol;
      expect(output).toEqual(['', 'hello\n', 'error\n']);
      expect(calls.toSorted()).toEqual([
        'connectionLost null',
        'connectionMade',
        'pipeConnectionLost 0 null',
        'pipeConnectionLost 1 null',
        'pipeConnectionLost 2 null',
        'pipeDataReceived 1',
        'pipeDataReceived 2',
        'processExited 5',
      ]);
      expect([calls[0], calls.at(-1)]).toEqual(['connectionMade', 'connectionLost null']);
      for (const fd of [1, 2])
        expect(calls.indexOf(`pipeDataReceived ${fd}`)).toBeLessThan(calls.indexOf(`pipeConnectionLost ${fd} null`));
    }),
  );

  it(
    'reports the end of the process before that of a pipe that another process holds',
    program(s, function* () {
      const script = 'sleep 1000 & echo $!';
      const [, protocol] = yield* s.wait(subprocessShell(notes, script, { stdin: null, stderr: null }));
      yield* until(s, () => protocol.calls.includes('processExited 0') && protocol.output[1].endsWith('\n'));
      expect(protocol.calls.filter((call) => /Lost/.test(call))).toEqual([]);
      process.kill(Number(protocol.output[1]), 'SIGKILL');
      yield* until(s, () => protocol.isOver);
      expect(protocol.calls.slice(-2)).toEqual(['pipeConnectionLost 1 null', 'connectionLost null']);
    }),
  );

  it(
    'calls the protocol in the context in which the process was started',
    program(s, function* () {
      const variable = new ContextVar('variable', { default: 'none' });
      const seen: string[] = [];
      class Reader extends Notes {
        override pipeDataReceived(): void {
          seen.push(variable.get());
        }
      }
      variable.set('mine');
      const [, protocol] = yield* s.wait(subprocessExec(() => new Reader(), 'echo', 'x', { stdin: null }));
      variable.set('changed');
      yield* until(s, () => protocol.isOver);
      expect(seen).toEqual(['mine']);
    }),
  );

  it(
    'reports what the protocol throws, and goes on',
    program(s, function* (reports) {
      class Failing extends Notes {
        override connectionMade(transport: BaseTransport): void {
          super.connectionMade(transport);
          throw new Error('in connectionMade');
        }
        override pipeDataReceived(): void {
          throw new Error('in pipeDataReceived');
        }
      }
      const [, protocol] = yield* s.wait(
        subprocessExec(() => new Failing(), 'echo', 'x', { stdin: null, stderr: null }),
      );
      yield* until(s, () => protocol.isOver);
      const errors = reports.splice(0).map(({ exception }) => (exception as Error).message);
      expect(errors).toEqual(['in connectionMade', 'in pipeDataReceived']);
      expect(protocol.calls.at(-1)).toBe('connectionLost null');
    }),
  );

  it(
    'refuses a factory that makes something else, before anything is started',
    program(s, function* () {
      const error = yield* failure(
        s,
        subprocessExec(() => new Protocol() as never, 'nonsense-program'),
      );
      expectMistake(error, { type: TypeError, code: 'INVALID_ARGUMENT', says: ['SubprocessProtocol', 'Protocol'] });
    }),
  );

  it(
    'has all outputs in one pipe when they are merged',
    program(s, function* () {
      const options = { stdin: null, stdout: PIPE, stderr: STDOUT } as const;
      const [transport, protocol] = yield* s.wait(subprocessShell(notes, 'echo a; echo b >&2; echo c', options));
      expect([0, 1, 2, 3].map((fd) => transport.getPipeTransport(fd) === null)).toEqual([true, false, true, true]);
      yield* until(s, () => protocol.isOver);
      expect(protocol.output).toEqual(['', 'a\nb\nc\n', '']);
    }),
  );

  it(
    'kills the process when it is cancelled, and waits for its end',
    program(s, function* () {
      class Cancelling extends Notes {
        override connectionMade(transport: BaseTransport): void {
          super.connectionMade(transport);
          task.cancel();
        }
      }
      const protocol = new Cancelling();
      const task = createTask(() => subprocessExec(() => protocol, 'sleep', '1000'));
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(protocol.transport.getReturncode()).toBe(-9);
      expect(isAlive(protocol.transport.getPid())).toBe(false);
      yield* until(s, () => protocol.isOver);
    }),
  );

  it(
    'leaves nothing behind when it is cancelled before the process is there',
    program(s, function* () {
      const protocol = new Notes();
      // The pipe for both is made first, which takes several turns.
      const task = createTask(() =>
        subprocessExec(
          () => {
            getRunningLoop().callSoon(() => task.cancel());
            return protocol;
          },
          ...(['sleep', '1000', { stderr: STDOUT }] as const),
        ),
      );
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(protocol.calls).toEqual([]);
    }),
  );
});

describeBoth('the transport of a process', (s) => {
  it(
    'knows the process',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'sleep', '1000', { stderr: null }));
      const pid = transport.getPid();
      expect([isAlive(pid), transport.getReturncode(), transport.isClosing()]).toEqual([true, null, false]);
      expect(transport.getProtocol()).toBe(protocol);
      expect(transport.getExtraInfo('subprocess')).toMatchObject({ pid });
      expect([transport.getExtraInfo('pipe'), transport.getExtraInfo('peername', 'none')]).toEqual([undefined, 'none']);
      const pipes = 'stdin=<WritePipeTransport open> stdout=<ReadPipeTransport open>';
      const words = `<ChildTransport pid=${pid} running ${pipes}>`;
      expect([String(transport), inspect(transport)]).toEqual([words, words]);
      transport.close();
      yield* until(s, () => protocol.isOver);
      expect(String(transport)).toMatch(
        /^<ChildTransport closed pid=\d+ returncode=-9 stdin=<WritePipeTransport closed> /,
      );
    }),
  );

  it(
    'kills a process that runs when it is closed, and closes its pipes',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'sleep', '1000'));
      transport.close();
      transport.close();
      expect([transport.isClosing(), transport.getPipeTransport(1)!.isClosing()]).toEqual([true, true]);
      yield* until(s, () => protocol.isOver);
      expect(transport.getReturncode()).toBe(-9);
      expect(protocol.calls).toContain('processExited -9');
    }),
  );

  it(
    'does not touch a process that has ended when it is closed',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'sh', '-c', 'exit 3'));
      yield* until(s, () => protocol.isOver);
      transport.close();
      expect([transport.getReturncode(), transport.isClosing()]).toEqual([3, true]);
      const gone = { type: ProcessLookupError, code: 'ESRCH', says: ['has ended'] };
      for (const call of [() => transport.kill(), () => transport.terminate(), () => transport.sendSignal(1)])
        expectThrown(call, gone);
    }),
  );

  it(
    'goes on with another protocol',
    program(s, function* () {
      const [transport, first] = yield* s.wait(subprocessExec(notes, 'cat', { stderr: null }));
      const second = new Notes();
      second.transport = transport;
      transport.setProtocol(second);
      (transport.getPipeTransport(0) as WriteTransport).write('x');
      (transport.getPipeTransport(0) as WriteTransport).close();
      yield* until(s, () => second.isOver);
      expect([first.calls, second.output[1]]).toEqual([['connectionMade'], 'x']);
    }),
  );

  it('kills the process when its loop is closed, and does not call the protocol any more', async () => {
    let protocol!: Notes;
    await run(
      s.fn(function* () {
        [, protocol] = yield* s.wait(subprocessExec(notes, 'sleep', '1000'));
        (protocol.transport.getPipeTransport(0) as WriteTransport).write(new Uint8Array(1_000_000));
      }),
    );
    expect(protocol.transport.isClosing()).toBe(true);
    await run(
      s.fn(function* () {
        yield* until(s, () => protocol.transport.getReturncode() !== null);
      }),
    );
    expect([protocol.transport.getReturncode(), isAlive(protocol.transport.getPid())]).toEqual([-9, false]);
    expect(protocol.calls.filter((call) => /Lost|Exited/.test(call))).toEqual([]);
  });
});

describeBoth('the pipes of a process', (s) => {
  it(
    'can be paused',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'echo', 'x', { stdin: null, stderr: null }));
      const pipe = transport.getPipeTransport(1) as ReadTransport;
      pipe.pauseReading();
      pipe.pauseReading();
      expect([pipe.isReading(), String(pipe), inspect(pipe)]).toEqual([
        false,
        ...Array(2).fill('<ReadPipeTransport open paused>'),
      ]);
      yield* until(s, () => protocol.calls.includes('processExited 0'));
      yield* iterations(s, 20);
      expect(protocol.calls).toEqual(['connectionMade', 'processExited 0']);
      pipe.resumeReading();
      pipe.resumeReading();
      yield* until(s, () => protocol.isOver);
      expect(protocol.output[1]).toBe('x\n');
      expect([pipe.isReading(), pipe.isClosing(), pipe.getExtraInfo('pipe') !== undefined]).toEqual([
        false,
        true,
        true,
      ]);
      pipe.pauseReading(); // too late, and harmless
      pipe.close();
    }),
  );

  it(
    'can be paused before any data has arrived',
    program(s, function* () {
      class Pausing extends Notes {
        override connectionMade(transport: BaseTransport): void {
          super.connectionMade(transport);
          (this.transport.getPipeTransport(1) as ReadTransport).pauseReading();
        }
      }
      const [transport, protocol] = yield* s.wait(subprocessExec(() => new Pausing(), 'echo', 'x', { stdin: null }));
      yield* until(s, () => protocol.calls.includes('processExited 0'));
      expect(protocol.output[1]).toBe('');
      (transport.getPipeTransport(1) as ReadTransport).resumeReading();
      yield* until(s, () => protocol.isOver);
      expect(protocol.output[1]).toBe('x\n');
    }),
  );

  it(
    'pause the protocol while too much waits to be written',
    program(s, function* () {
      const options = { stdout: null, stderr: PIPE } as const;
      const [transport, protocol] = yield* s.wait(subprocessShell(notes, 'read go; cat >/dev/null', options));
      const pipe = transport.getPipeTransport(0) as WriteTransport;
      pipe.setWriteBufferLimits({ high: 1_000, low: 10 });
      expect(pipe.getWriteBufferLimits()).toEqual([10, 1_000]);
      pipe.write('go');
      expect(protocol.calls).toEqual(['connectionMade']);
      pipe.writelines([new Uint8Array(500_000), new Uint8Array(500_000)]);
      expect(protocol.calls.slice(1)).toEqual(['pauseWriting']);
      expect(pipe.getWriteBufferSize()).toBeGreaterThan(1_000);
      expect(String(pipe)).toMatch(/^<WritePipeTransport open \d+ bytes to send>$/);
      pipe.write('\n');
      transport.sendSignal('SIGCONT');
      expect(pipe.canWriteEof()).toBe(true);
      pipe.writeEof();
      pipe.writeEof();
      expect(pipe.isClosing()).toBe(true);
      expectThrown(() => pipe.write('x'), { type: Error, code: 'WRITE_AFTER_EOF', says: ['writeEof'] });
      yield* until(s, () => protocol.isOver);
      expect(protocol.calls.filter((call) => /Writing/.test(call))).toEqual(['pauseWriting', 'resumeWriting']);
      expect(transport.getReturncode()).toBe(0);
    }),
  );

  it(
    'can be let go of at once',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'cat', { stdout: null, stderr: null }));
      const pipe = transport.getPipeTransport(0) as WriteTransport;
      pipe.abort();
      pipe.abort();
      pipe.write('in vain');
      yield* until(s, () => protocol.isOver);
      expect(protocol.calls).toContain('pipeConnectionLost 0 null');
      expect(transport.getReturncode()).toBe(0);
    }),
  );

  it(
    'can have protocols of their own',
    program(s, function* () {
      const [transport, protocol] = yield* s.wait(subprocessExec(notes, 'echo', 'x', { stdin: null, stderr: null }));
      const chunks: string[] = [];
      class Own extends Protocol {
        override dataReceived(data: Uint8Array): void {
          chunks.push(text(data));
        }
      }
      const pipe = transport.getPipeTransport(1) as ReadTransport;
      const own = new Own();
      pipe.setProtocol(own);
      expect(pipe.getProtocol()).toBe(own);
      yield* until(s, () => chunks.length > 0);
      expect([chunks, protocol.output[1]]).toEqual([['x\n'], '']);
      transport.close();
      yield* s.wait(sleep(0));
      expect(getRunningLoop().isClosed()).toBe(false);
    }),
  );
});
