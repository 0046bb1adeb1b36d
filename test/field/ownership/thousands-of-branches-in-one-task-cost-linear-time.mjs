// Promise.all over thousands of async functions in one task costs so much for each of them, not for each pair. It may
// cost a few times what as many tasks cost.
import { check, core, done } from '../lib.mjs';

const { gather, run, sleep } = core;

const branch = async () => {
  await sleep(0);
  await sleep(0);
};
const milliseconds = async (work) => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};
await run(async () => {
  const side = async (count) => {
    const branches = await milliseconds(() => Promise.all(Array.from({ length: count }, branch)));
    const tasks = await milliseconds(async () => await gather(Array.from({ length: count }, () => () => branch())));
    return branches < 6 * Math.max(tasks, 50)
      ? 'linear'
      : `${Math.round(branches)} ms, as tasks ${Math.round(tasks)} ms`;
  };
  await side(500);
  check('1,000 branches', await side(1_000), 'linear'); // control: holds today
  check('16,000 branches', await side(16_000), 'linear');
});
done();
