import { addInstrument, allTasks, createTask, EventLoop, Runner, sleep } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { expect, onTestFinished, test } from 'vitest';
import { MODES } from '../../../../src/testing/sweep/modes.ts';
import { isPossible } from '../../../../src/testing/sweep/plan.ts';
import { type Plan, Striker } from '../../../../src/testing/sweep/striker.ts';
import { Recorder, type Watch } from '../../../../src/testing/sweep/watch.ts';
import { muteLog } from '../../../support/loops.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

/** A task that is left behind, and takes a second to clean up; and the main function, which cleans up itself. */
function program(s: Spelling, log: string[]) {
  const child = s.fn(function* () {
    try {
      yield* s.wait(sleep(9));
    } finally {
      yield* s.wait(sleep(1));
      log.push('child');
    }
  });
  return s.fn(function* () {
    createTask(child);
    try {
      yield* s.wait(sleep(1));
      yield* s.wait(sleep(0));
    } finally {
      try {
        yield* s.wait(sleep(1));
      } finally {
        log.push('main');
      }
    }
  });
}

describeBoth('whichever await is cancelled, a runner', (s) => {
  /** A sweep runs programs on a loop of its own; a runner has one itself, so that its waits are counted here. */
  async function run(log: string[], plan: Plan | null): Promise<Watch> {
    const host = new VirtualHost();
    const loop = new EventLoop({ host });
    const runner = new Runner({ loopFactory: () => loop });
    const watch = plan === null ? new Recorder(() => loop) : new Striker(() => loop, plan, 1_000);
    const remove = addInstrument(watch);
    onTestFinished(remove);
    const main = program(s, log);
    const swept = watch instanceof Striker ? (watch.mainFor(main, undefined) ?? main) : main;
    const outcome = await runner.run(swept as typeof main).then(
      () => 'returned',
      (error: Error) => error.name,
    );
    if (plan === null) expect(outcome).toBe('returned');
    else if (plan.site.task === 0)
      expect(outcome).toBe(plan.mode.startsWith('timeout') ? 'TimeoutError' : 'CancelledError');
    // It goes on with the next one.
    expect(await runner.run(s.fn(() => s.wait(sleep(0, 'next'))))).toBe('next');
    await runner.close();
    remove();
    expect(loop.isClosed()).toBe(true);
    expect([...allTasks(loop)]).toEqual([]);
    return watch;
  }

  test('ends what is left, runs the next program, and closes', async () => {
    muteLog('error'); // the child's TimeoutError, which nobody awaits
    const undisturbed: string[] = [];
    const recorder = (await run(undisturbed, null)) as Recorder;
    expect(undisturbed).toEqual(['main', 'child']);
    let runs = 0;
    for (const site of recorder.sites) {
      for (const mode of MODES) {
        if (!isPossible(site, mode) || site.task > 1) continue; // not of the next program
        const log: string[] = [];
        const striker = (await run(log, { site, mode })) as Striker;
        if (!striker.isStruck) continue;
        runs++;
        expect(log).toContain('main');
      }
    }
    expect(runs).toBeGreaterThan(15);
  });
});
