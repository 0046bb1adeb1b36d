import { getRunningLoop, sleep } from 'asyncio-ts';
import { runVirtual } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { Simulation } from '../../../src/testing/simulation/simulation.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a simulated program', (s) => {
  test('that stops its loop fails, and says so', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      getRunningLoop().stop();
      yield* s.wait(sleep(1));
    });
    await expect(runVirtual(main)).rejects.toMatchObject({
      code: 'LOOP_STOPPED',
    });
  });

  test.each([false, true])(
    'that is failed from outside leaves a simulation that runs the next one (quick: %s)',
    async (quick) => {
      const simulation = new Simulation({ quick });
      const error = new Error('not like this');
      const failing = s.fn(function* (isLast: boolean) {
        yield* s.wait(sleep(1));
        simulation.fail(error);
        simulation.fail(new Error('the first one counts'));
        if (!isLast) yield* s.wait(sleep(1));
        return 'never told';
      });
      const passing = s.fn(function* () {
        for (let i = 0; i < 3; i++) yield* s.wait(sleep(1));
        return 'passed';
      });
      for (const isLast of [false, true]) {
        expect(await simulation.run(() => failing(isLast))).toMatchObject({
          value: null,
          failure: { error },
          seconds: 1,
        });
        expect(await simulation.run(passing)).toMatchObject({ value: { value: 'passed' }, failure: null, seconds: 3 });
      }
      simulation.close();
    },
  );
});
