// A task holds a lock and has registered a handler that needs it. The handler waits in line until the task lets go: it
// is not taken for the holder, and a deadline that ends some other work of the task does not end its wait.
import { EventEmitter } from 'node:events';
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { Condition, createTask, Lock, run, Semaphore, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const attempt = async (guard, acquire, work) => {
  const emitter = new EventEmitter(),
    log = [];
  const task = createTask(async () => {
    emitter.on('x', async () => {
      try {
        using _ = await acquire();
        log.push('handler');
      } catch (error) {
        log.push(error.name);
      }
    });
    {
      using _ = await guard();
      setTimeout(() => emitter.emit('x'), 20);
      await work();
      log.push('task');
    }
  });
  await hangs(task);
  await foreign(50);
  return log;
};
const limited = async () => {
  try {
    await timeout(0.1, () => sleep(5));
  } catch {
    /* the deadline */
  }
};
await run(async () => {
  for (const [name, make] of [
    ['Lock', () => new Lock()],
    ['Semaphore', () => new Semaphore(1)],
    ['Condition', () => new Condition()],
  ]) {
    const one = make(),
      two = make();
    check(
      `${name}, with a deadline in the task`,
      await attempt(
        () => one.acquire(),
        () => one.acquire(),
        limited,
      ),
      ['task', 'handler'],
    );
    check(
      `${name}, without one`,
      await attempt(
        () => two.acquire(),
        () => two.acquire(),
        () => sleep(0.1),
      ),
      ['task', 'handler'],
    ); // control: holds today
  }
});
done();
