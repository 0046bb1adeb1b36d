// `using client = await wrapPromise(pool.connect())` under a deadline: when the deadline passes first, the client comes
// late and nobody holds it. `onLate` gets it then and gives it back, or the pool runs dry.
import { check, core, done, foreign } from '../lib.mjs';

const { createTask, run, sleep, timeout, waitFor, wrapPromise } = core;

let open = 0;
const connect = async () => {
  await foreign(100);
  open++;
  return {
    [Symbol.dispose]() {
      open--;
    },
  };
};
await run(async () => {
  const leaked = async (body) => {
    open = 0;
    await Promise.allSettled([createTask(body)]);
    await sleep(0.2);
    return open;
  };
  check(
    'timeout',
    await leaked(() =>
      timeout(0.05, async () => {
        using client = await wrapPromise(connect(), { onLate: (late) => late[Symbol.dispose]() });
        await sleep(0);
        return client;
      }),
    ),
    0,
  );
  check(
    'waitFor',
    await leaked(() =>
      waitFor(async () => {
        using client = await wrapPromise(connect(), { onLate: (late) => late[Symbol.dispose]() });
        await sleep(0);
        return client;
      }, 0.05),
    ),
    0,
  );
  check(
    'in time',
    await leaked(() =>
      timeout(1, async () => {
        using client = await wrapPromise(connect(), { onLate: (late) => late[Symbol.dispose]() });
        await sleep(0);
        return client;
      }),
    ),
    0,
  ); // control: holds today
});
done();
