// A task's `then`, called by a program, gives a promise and calls back, whatever the callbacks look like: bound
// functions and the resolvers of `new Promise` as well. It does not make the calling task wait.
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error.message));
class Sink {
  got = [];
  ok(value) {
    this.got.push(value);
    return value;
  }
  fail(error) {
    this.got.push(error);
  }
}
function withTimeout(promise, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('late')), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
const sink = new Sink();
const derived = createTask(() => sleep(0.05, 42)).then(sink.ok.bind(sink), sink.fail.bind(sink));
check('then(bound, bound) gives a promise', typeof derived?.then, 'function');
check('awaiting it gives the value', [await derived, sink.got], [42, [42]]);
check(
  'a promise-timeout helper works',
  await hangs(
    withTimeout(
      createTask(() => sleep(0.05, 1)),
      1_000,
    ),
  ),
  1,
);
check(
  'a bound callback that throws harms nobody',
  await hangs(
    run(async () => {
      await sleep(0.001);
      createTask(() => sleep(0.01, 1)).then(
        (() => {
          throw new RangeError('from a bound callback');
        }).bind(null),
        () => {},
      );
      await sleep(0.1);
      return 'main went on';
    }),
  ),
  'main went on',
);
await foreign(50);
check('its error is an unhandled rejection', unhandled, ['from a bound callback']);
check(
  'then(resolve, reject) is no wait of the task',
  await hangs(
    run(async () => {
      const job = createTask(() => sleep(0.2, 'job result'));
      await sleep(0);
      const { promise, resolve, reject } = Promise.withResolvers();
      job.then(resolve, reject);
      try {
        await timeout(0.01, () => sleep(1));
      } catch {
        /* the deadline */
      }
      return await promise;
    }),
  ),
  'job result',
);
done();
