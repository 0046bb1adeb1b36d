// A promise may reject with nothing, or with null. gather treats it as any failure: thrown, or among the results; the
// program goes on.
import { check, done, inProcess, lines } from '../lib.mjs';

const results = await inProcess(
  async () => {
    const [first, second] = await core.run(
      async () => await core.gather([Promise.reject(), async () => 1], { returnExceptions: true }),
    );
    console.log(first === undefined || first instanceof Error, second);
  },
  { limit: 3 },
);
check('undefined, among the results', [results.hung, lines(results.stdout)], [false, ['true 1']]);

const thrown = await inProcess(
  async () => {
    try {
      await core.run(async () => await core.gather(Promise.reject(null), async () => 1));
      console.log('no error');
    } catch {
      console.log('thrown');
    }
    console.log('goes on');
  },
  { limit: 3 },
);
check('null, thrown', [thrown.hung, lines(thrown.stdout)], [false, ['thrown', 'goes on']]);

const usual = await inProcess(
  async () => {
    const [first] = await core.run(
      async () => await core.gather([Promise.reject(new Error('usual'))], { returnExceptions: true }),
    );
    console.log(String(first));
  },
  { limit: 3 },
);
check('an error, among the results', lines(usual.stdout), ['Error: usual']); // control: holds today
done();
