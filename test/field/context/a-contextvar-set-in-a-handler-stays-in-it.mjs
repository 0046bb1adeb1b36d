// A handler that sets a context variable sets it for itself: not for the task that registered it, nor for other
// handlers, nor for the next call of the same one.
import { EventEmitter } from 'node:events';
import { check, core, done, hangs } from '../lib.mjs';

const { ContextVar, createTask, run, sleep } = core;

const variable = new ContextVar('user', { default: 'nobody' });
await run(async () => {
  variable.set('main');
  const emitter = new EventEmitter(),
    seen = [];
  emitter.on('x', async (user) => {
    const before = variable.get();
    variable.set(user);
    await sleep(user === 'ann' ? 0.3 : 0.02);
    seen.push([before, variable.get()]);
  });
  setTimeout(() => emitter.emit('x', 'ann'), 10);
  setTimeout(() => emitter.emit('x', 'bob'), 20);
  await sleep(0.5);
  check('the task keeps its value', variable.get(), 'main');
  check(
    'each call has its own',
    seen.map(([, after]) => after),
    ['bob', 'ann'],
  );
  check(
    'no call sees the value of another',
    seen.map(([before]) => before),
    ['main', 'main'],
  );

  let inThen;
  const chained = Promise.resolve().then(async () => {
    variable.set('then');
    await sleep(0.01);
    inThen = variable.get();
  });
  await sleep(0.05);
  await chained;
  check('a then callback has its own', inThen, 'then'); // control: holds today
  check('and keeps it to itself', variable.get(), 'main');
  variable.set('main again');
  await hangs(
    createTask(async () => {
      variable.set('child');
    }),
  );
  check('a task keeps its own to itself', variable.get(), 'main again'); // control: holds today
});
done();
