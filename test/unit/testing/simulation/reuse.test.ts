import { createTask, eagerTaskFactory, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { Simulation } from '../../../../src/testing/simulation/simulation.ts';
import { describeBoth } from '../../../support/spellings.ts';

describeBoth('a simulation that runs several programs', (s) => {
  test('makes the tasks of each of them as a new loop would', async () => {
    const simulation = new Simulation();
    const log: string[] = [];
    const main = s.fn(function* () {
      const child = s.fn(function* () {
        log.push('child');
        yield* s.wait(sleep(1));
      });
      const task = createTask(child);
      log.push('made');
      yield* s.wait(task);
      getRunningLoop().setTaskFactory(eagerTaskFactory);
    });
    for (let i = 0; i < 2; i++) await simulation.run(main);
    expect(log).toEqual(['made', 'child', 'made', 'child']);
    simulation.close();
  });

  test('calls atEnd when the main function has ended, before what it leaves behind is', async () => {
    const log: string[] = [];
    const simulation = new Simulation({ atEnd: () => log.push('at the end') });
    await simulation.run(
      s.fn(function* () {
        const child = s.fn(function* () {
          try {
            yield* s.wait(sleep(9));
          } finally {
            log.push('left behind');
          }
        });
        createTask(child);
        yield* s.wait(sleep(1));
        log.push('main');
      }),
    );
    expect(log).toEqual(['main', 'at the end', 'left behind']);
    simulation.close();
  });
});
