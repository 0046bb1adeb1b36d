import { CancelledError, createTask, sleep, TimeoutError, taskGroup, timeout, ValueError } from 'asyncio-ts';
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  type Process,
  ProcessLookupError,
} from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { expectThrown } from '../../../support/mistakes.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { isAlive, program, text, until } from './support.ts';

/** Says that it is there, and cannot be asked to end. */
const STUBBORN = 'trap "" TERM; echo ready; while :; do sleep 1000; done';

/** A process that cannot be asked to end, once it has said so. */
function* stubborn(s: Spelling, options: object = {}): Generator<unknown, Process, unknown> {
  const process = yield* s.wait(
    createSubprocessShell(STUBBORN, { stdout: PIPE, stderr: DEVNULL, killGroup: true, ...options }),
  );
  yield* s.wait(process.stdout!.readline());
  return process;
}

describeBoth('Process.stop', (s) => {
  it(
    'asks the process to end, and gives its return code',
    program(s, function* () {
      const plain = yield* s.wait(createSubprocessExec('sleep', '1000'));
      expect(yield* s.wait(plain.stop())).toBe(-15);
      const other = yield* s.wait(createSubprocessExec('sleep', '1000'));
      expect(yield* s.wait(other.stop({ signal: 'SIGINT' }))).toBe(-2);
      const script = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done';
      const tidy = yield* s.wait(createSubprocessShell(script, { stdout: PIPE }));
      yield* s.wait(tidy.stdout!.readline());
      expect(yield* s.wait(tidy.stop())).toBe(7);
      // Not yet at its end, perhaps: a `sleep` of the script may have had the pipe open until it was closed here.
      expect(yield* s.wait(tidy.stdout!.read())).toEqual(new Uint8Array(0));
    }),
  );

  it(
    'kills one that takes too long',
    program(s, function* () {
      const process = yield* stubborn(s, { gracePeriod: 60 });
      expect(yield* s.wait(process.stop({ gracePeriod: 0.01 }))).toBe(-9);
      const other = yield* stubborn(s, { gracePeriod: { milliseconds: 10 } });
      expect(yield* s.wait(other.stop())).toBe(-9);
    }),
  );

  it(
    'kills at once when there is no time for more',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000', { gracePeriod: 0 }));
      expect(yield* s.wait(process.stop())).toBe(-9);
    }),
  );

  it(
    'is harmless when the process has ended',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sh', '-c', 'exit 3'));
      yield* s.wait(process.wait());
      expect([yield* s.wait(process.stop()), yield* s.wait(process.stop())]).toEqual([3, 3]);
    }),
  );

  it(
    'kills at once when it is cancelled, and waits for the end anyway',
    program(s, function* () {
      const process = yield* stubborn(s);
      const task = createTask(() => process.stop({ gracePeriod: 1_000 }));
      yield* iterations(s, 5);
      expect(process.returncode).toBe(null);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-9, false]);
    }),
  );

  it(
    'waits for the end however often it is cancelled',
    program(s, function* () {
      const process = yield* stubborn(s);
      const task = createTask(() => process.stop({ gracePeriod: 1_000 }));
      yield* iterations(s, 5);
      task.cancel();
      yield* iterations(s, 1);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-9, false]);
    }),
  );

  it(
    'refuses a wrong signal or time, before it does anything',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '1000'));
      const unknown = { type: ValueError, code: 'UNKNOWN_SIGNAL', says: ['stop', 'NOPE'] };
      expectThrown(() => process.stop({ signal: 'NOPE' }), unknown);
      const noTime = { type: TypeError, code: 'INVALID_DELAY', says: ['gracePeriod'] };
      expectThrown(() => process.stop({ gracePeriod: 'long' as never }), noTime);
      const negative = { type: ValueError, code: 'INVALID_VALUE', says: ['stop', '-1'] };
      expectThrown(() => process.stop({ gracePeriod: -1 }), negative);
      expect(process.returncode).toBe(null);
      process.kill();
      yield* s.wait(process.wait());
    }),
  );

  it(
    'reaches the whole group where that was asked for, and waits for all of it',
    program(s, function* () {
      // The shell ends at once, its children take their time; the one that does not end is killed.
      const child = (trap: string) => `sh -c 'trap "${trap}" TERM; echo $$; while :; do sleep 0.01; done' &`;
      const script = `${child('sleep 0.05; echo tidy; exit')} ${child('')} wait`;
      const options = { stdout: PIPE, stderr: DEVNULL, killGroup: true, gracePeriod: 0.5 } as const;
      const process = yield* s.wait(createSubprocessShell(script, options));
      const pids: number[] = [];
      for (let i = 0; i < 2; i++) pids.push(Number(text(yield* s.wait(process.stdout!.readline()))));
      expect(pids.map(isAlive)).toEqual([true, true]);
      const reading = createTask(() => process.stdout!.readline());
      expect(yield* s.wait(process.stop())).toBe(-15);
      expect(text(yield* s.wait(reading))).toBe('tidy\n');
      yield* until(s, () => !pids.some(isAlive));
    }),
  );

  it(
    'finds no process in a group that has ended',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('true', { killGroup: true }));
      yield* s.wait(process.wait());
      expectThrown(() => process.kill(), { type: ProcessLookupError, code: 'ESRCH', says: ['has ended'] });
      expect(yield* s.wait(process.stop())).toBe(0);
    }),
  );

  it(
    'reaches what is left of a group when its leader has ended',
    program(s, function* () {
      const options = { stdout: PIPE, killGroup: true } as const;
      const process = yield* s.wait(createSubprocessShell('sleep 1000 & echo $!; exit 2', options));
      const pid = Number(text(yield* s.wait(process.stdout!.readline())));
      expect(yield* s.wait(process.wait())).toBe(2);
      expect(isAlive(pid)).toBe(true);
      expect(yield* s.wait(process.stop())).toBe(2);
      yield* until(s, () => !isAlive(pid));
    }),
  );
});

describeBoth('await using a process', (s) => {
  it(
    'ends it with the block',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE }));
      yield* s.wait(process[Symbol.asyncDispose]());
      expect([process.returncode, process.stdin!.isClosing(), isAlive(process.pid)]).toEqual([-15, true, false]);
    }),
  );

  it(
    'ends it when the block is cancelled',
    program(s, function* () {
      let process!: Process;
      const main = createTask(async () => {
        await using started = await createSubprocessExec('sleep', '1000');
        process = started;
        await started.wait();
      });
      yield* until(s, () => process !== undefined);
      main.cancel();
      expect(yield* failure(s, main)).toBeInstanceOf(CancelledError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-15, false]);
    }),
  );

  it(
    'kills it at once when the block is cancelled again meanwhile, and is cancelled as usual',
    program(s, function* () {
      const process = yield* stubborn(s, { gracePeriod: 1_000 });
      const main = createTask(async () => {
        await using started = process;
        await started.wait();
      });
      yield* iterations(s, 5);
      main.cancel('first');
      yield* iterations(s, 5);
      expect(process.returncode).toBe(null);
      main.cancel('second');
      const error = yield* failure(s, main);
      expect([error, (error as Error).message]).toEqual([expect.any(CancelledError), 'first']);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-9, false]);
    }),
  );

  it(
    'is cancelled when that happens only while the process ends',
    program(s, function* () {
      const process = yield* stubborn(s, { gracePeriod: 1_000 });
      const main = createTask(async () => {
        await using _ = process;
      });
      yield* iterations(s, 5);
      main.cancel();
      expect(yield* failure(s, main)).toBeInstanceOf(CancelledError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-9, false]);
    }),
  );
});

describeBoth('killOnCancel', (s) => {
  it.each(['wait', 'communicate'] as const)('ends the process when %s is cancelled', (method) =>
    program(s, function* () {
      const options = { killOnCancel: true, stdout: PIPE } as const;
      const process = yield* s.wait(createSubprocessExec('sleep', '1000', options));
      const task = createTask<unknown>(() => (method === 'wait' ? process.wait() : process.communicate()));
      yield* iterations(s, 5);
      task.cancel('enough');
      const error = yield* failure(s, task);
      expect([error, (error as Error).message]).toEqual([expect.any(CancelledError), 'enough']);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-15, false]);
    })(),
  );

  it(
    'kills a process that does not want to end after its grace period',
    program(s, function* () {
      const process = yield* stubborn(s, { killOnCancel: true, gracePeriod: 0.01 });
      const late = timeout(0.001, () => process.wait());
      expect(yield* failure(s, late)).toBeInstanceOf(TimeoutError);
      expect([process.returncode, isAlive(process.pid)]).toEqual([-9, false]);
    }),
  );

  it(
    'ends processes when another one of their task group fails',
    program(s, function* () {
      const processes: Process[] = [];
      const group = taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) {
          group.createTask(async () => {
            const process = await createSubprocessExec('sleep', '1000', { killOnCancel: true });
            processes.push(process);
            await process.wait();
          });
        }
        while (processes.length < 3) await sleep(0.001);
        throw new Error('failed');
      });
      expect(yield* failure(s, group)).toMatchObject({ errors: [{ message: 'failed' }] });
      expect(processes.map(({ returncode }) => returncode)).toEqual([-15, -15, -15]);
    }),
  );

  it(
    'does nothing to the process when it is a read that is cancelled',
    program(s, function* () {
      const process = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE, killOnCancel: true }));
      const task = createTask(() => process.stdout!.readline());
      yield* iterations(s, 3);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(process.returncode).toBe(null);
      expect(text((yield* s.wait(process.communicate('on')))[0])).toBe('on');
    }),
  );
});
