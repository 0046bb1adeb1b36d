import { readdirSync, readFileSync } from 'node:fs';
import { type EventLoop, gather, getRunningLoop, run, Semaphore, sleep } from 'asyncio-ts';
import { createSubprocessExec, PIPE, type Process, runProcess, STDOUT } from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { collectGarbage } from '../../../support/gc.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { program, until } from './support.ts';

/** How many descriptors this process has open. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The processes that this one has started and that are there in any form, zombies included. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
}

describeBoth('processes', (s) => {
  it(
    'leave nothing behind, hundreds of them',
    { timeout: 60_000 },
    program(s, function* () {
      yield* s.wait(runProcess('true', [], { stderr: STDOUT })); // what is made once
      const before = [descriptors(), children().length];
      const room = new Semaphore(20);
      const runs = Array.from({ length: 200 }, (_, i) => async () => {
        using _guard = await room.acquire();
        const { returncode } = await runProcess(
          'cat',
          [],
          i % 3 === 0 ? { stderr: STDOUT, input: 'x' } : { input: 'x' },
        );
        expect(returncode).toBe(0);
      });
      yield* s.wait(gather(...runs));
      yield* until(s, () => descriptors() <= before[0]!);
      expect(children().length).toBe(before[1]);
    }),
  );

  it(
    'leave nothing behind when they cannot be started',
    program(s, function* () {
      const before = descriptors();
      for (let i = 0; i < 30; i++) {
        const options = { stdin: PIPE, stdout: PIPE, stderr: i % 2 === 0 ? STDOUT : PIPE } as const;
        expect(yield* failure(s, createSubprocessExec('nonsense-program', options))).toMatchObject({ code: 'ENOENT' });
      }
      yield* until(s, () => descriptors() <= before);
    }),
  );

  it(
    'are forgotten by their loop when they are over',
    program(s, function* () {
      const { _resources: resources } = getRunningLoop() as EventLoop;
      const before = resources.size;
      const process = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE, stderr: PIPE }));
      expect(resources.size).toBe(before + 1);
      yield* s.wait(process.communicate());
      yield* until(s, () => resources.size === before);
    }),
  );

  it('are collected with their streams, whether they were closed or not', async () => {
    const kept: WeakRef<object>[] = [];
    const keep = ({ stdin, stdout }: Process) => kept.push(new WeakRef(stdin!), new WeakRef(stdout!));
    await run(
      s.fn(function* () {
        const used = yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE }));
        keep(used);
        yield* s.wait(used.communicate('x'));
        keep(yield* s.wait(createSubprocessExec('cat', { stdin: PIPE, stdout: PIPE })));
        yield* s.wait(sleep(0.001)); // the last thing that was waited for is known to the kernel
      }),
    );
    while (children().length > 0) await collectGarbage(); // the one that was left has been killed
    for (let i = 0; i < 50 && kept.some((ref) => ref.deref() !== undefined); i++) await collectGarbage();
    expect(kept.filter((ref) => ref.deref() !== undefined)).toEqual([]);
  });
});
