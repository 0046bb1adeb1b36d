// `const consumer = consume(queue)`, not awaited at once, is a common way to start one. A deadline around other work of
// the same task ends that work; the consumer goes on to take items, and takes each once.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, Event, Queue, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const attempt = (start) =>
  hangs(
    createTask(async () => {
      const queue = new Queue(),
        stopped = new Event(),
        got = [];
      const consume = async () => {
        for (;;) {
          const item = await queue.get();
          if (item === null) break;
          got.push(item);
        }
        stopped.set();
      };
      start(consume);
      queue.putNowait('a');
      try {
        await timeout(0.05, () => sleep(5));
      } catch {
        /* the deadline */
      }
      queue.putNowait('b');
      queue.putNowait(null);
      await stopped.wait();
      return got;
    }),
  );
await run(async () => {
  check(
    'started by a call',
    await attempt((consume) => {
      void consume();
    }),
    ['a', 'b'],
  );
  check(
    'started by a call, after a tick',
    await attempt((consume) => {
      setTimeout(consume, 1);
    }),
    ['a', 'b'],
  );
  check(
    'started as a task',
    await attempt((consume) => {
      createTask(consume);
    }),
    ['a', 'b'],
  ); // control: holds today
});
done();
