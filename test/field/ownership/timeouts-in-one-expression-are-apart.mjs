// Promise.all([timeout(1, f), timeout(5, g)]): each deadline ends its own body. One that passes makes one TimeoutError,
// and the other body gives its result.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, gather, run, sleep, timeout } = core;

const slow = async (name, limit, work) => {
  try {
    return await timeout(limit, () => sleep(work, name));
  } catch (error) {
    return `${name}: ${error.name}`;
  }
};
const settled = (results) =>
  Array.isArray(results) ? results.map((result) => result.value ?? result.reason.name) : results;
const expected = ['a: TimeoutError', 'b', 'c'];
await run(async () => {
  const outcome = (body) => hangs(createTask(body));
  check(
    'Promise.all',
    await outcome(() => Promise.all([slow('a', 0.05, 1), slow('b', 1, 0.2), slow('c', 1, 0.01)])),
    expected,
  );
  check(
    'gather of calls',
    await outcome(async () => await gather(slow('a', 0.05, 1), slow('b', 1, 0.2), slow('c', 1, 0.01))),
    expected,
  );
  check(
    'Promise.allSettled of timeouts',
    settled(
      await outcome(() => Promise.allSettled([timeout(0.05, () => sleep(1, 'a')), timeout(1, () => sleep(0.2, 'b'))])),
    ),
    ['TimeoutError', 'b'],
  );
  check(
    'Promise.race of timeouts',
    await outcome(() =>
      Promise.race([
        timeout(1, () => sleep(0.2, 'b')),
        timeout(0.05, () => sleep(1, 'a')).then(
          () => 'late',
          () => new Promise(() => {}),
        ),
      ]),
    ),
    'b',
  );
  check(
    'gather of functions',
    await outcome(
      async () =>
        await gather(
          () => slow('a', 0.05, 1),
          () => slow('b', 1, 0.2),
          () => slow('c', 1, 0.01),
        ),
    ),
    expected,
  ); // control: holds today
});
done();
