// A value of AsyncLocalStorage follows the work that a task starts: the function of mapConcurrent sees what its caller
// sees.
import { AsyncLocalStorage } from 'node:async_hooks';
import { check, core, done } from '../lib.mjs';

const { gather, mapConcurrent, produce, run, taskGroup } = core;

const storage = new AsyncLocalStorage();
const show = async () => storage.getStore();
await run(() =>
  storage.run('X', async () => {
    check('mapConcurrent, awaited', await mapConcurrent([1], show, { limit: 1 }), ['X']);
    const iterated = [];
    for await (const value of mapConcurrent([1, 2], show, { limit: 1 })) iterated.push(value);
    check('mapConcurrent, iterated', iterated, ['X', 'X']);
    check('gather', await gather(show), ['X']); // control: holds today
    check('taskGroup', await taskGroup(async (g) => await g.createTask(show), { limit: 1 }), 'X'); // control: holds today
    const produced = [];
    for await (const value of produce(async (put) => {
      await put(storage.getStore());
    }))
      produced.push(value);
    check('produce', produced, ['X']); // control: holds today
  }),
);
done();
