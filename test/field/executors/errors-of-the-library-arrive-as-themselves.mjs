// Errors come back from threads, and from the loop of another thread, with their class, when it is one of the library:
// a `catch` that asks `instanceof FileNotFoundError` works as it does without a thread.
import { check, core, dist, done, node } from '../lib.mjs';

await core.run(async () => {
  const is = async (Class, job) => {
    try {
      await job();
      return 'no error';
    } catch (error) {
      return error instanceof Class ? 'itself' : `a bare ${error.constructor.name}`;
    }
  };
  const inThread = (body) => node.toThread(body, `${dist}index.js`, `${dist}node/index.js`);
  check('FileNotFoundError here', await is(node.FileNotFoundError, async () => await node.readFile('/nope')), 'itself'); // control: holds today
  check(
    'FileNotFoundError',
    await is(node.FileNotFoundError, () =>
      inThread(async (c, n) => {
        const { run } = await import(c),
          { readFile } = await import(n);
        await run(() => readFile('/nope'));
      }),
    ),
    'itself',
  );
  check(
    'CalledProcessError',
    await is(node.CalledProcessError, () =>
      inThread(async (c, n) => {
        const { run } = await import(c),
          { runProcess } = await import(n);
        await run(() => runProcess('false', [], { check: true }));
      }),
    ),
    'itself',
  );
  check(
    'IncompleteReadError',
    await is(node.IncompleteReadError, () =>
      inThread(async (_c, n) => {
        throw new (await import(n)).IncompleteReadError(new Uint8Array(2), 5);
      }),
    ),
    'itself',
  );
  check(
    'SystemExit',
    await is(core.SystemExit, () =>
      inThread(async (c) => {
        throw new (await import(c)).SystemExit(3);
      }),
    ),
    'itself',
  );
  using door = node.exposeLoop(core.getRunningLoop(), { dial: async () => await node.openConnection('127.0.0.1', 1) });
  using remote = node.connectLoop(door.port);
  check(
    'ConnectionRefusedError from another loop',
    await is(node.ConnectionRefusedError, async () => await remote.runCoroutineThreadsafe('dial')),
    'itself',
  );
});
done();
