// coroutine() around a method: `this` is the object, as for any function that wraps a method.
import { check, core, done } from '../lib.mjs';

const { coroutine, createTask, run, sleep } = core;

class Client {
  x = 7;
  load = coroutine(async function () {
    await sleep(0);
    return this?.x;
  });
}
Client.prototype.save = coroutine(function* () {
  yield* sleep(0);
  return this?.x;
});
await run(async () => {
  const client = new Client();
  check('an async method', await client.load(), 7);
  check('a generator method', await client.save(), 7);
  check('a method in a task', await createTask(client.load()), 7);
  const arrow = coroutine(async () => client.x);
  check('an arrow function', await arrow(), 7); // control: holds today
});
done();
