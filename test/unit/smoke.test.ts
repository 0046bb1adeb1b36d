import { sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { describeBoth, runVirtually } from '../support/spellings.ts';

describeBoth('sleep', (s) => {
  test('takes as long as it says', async () => {
    const main = s.fn(function* () {
      return yield* s.wait(sleep(3600, 'slept'));
    });
    expect(await runVirtually(main)).toEqual({ result: 'slept', seconds: 3600 });
  });
});
