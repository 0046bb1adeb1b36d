// A startTls that a deadline has cut off leaves a broken connection: its reads, drains and ends give the end or a
// ConnectionError. A task that nobody has cancelled never sees a CancelledError, and a task group reports its failure.
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, run, taskGroup, timeout } = core;

await run(async () => {
  const server = await node.startServer(
    async (reader, writer) => {
      await reader.read();
      writer.close();
    },
    '127.0.0.1',
    0,
  );
  const connect = async () => {
    const pair = await node.openConnection('127.0.0.1', server.port);
    try {
      await timeout(0.1, () => pair.writer.startTls({ rejectUnauthorized: false }, { serverHostname: 'x' }));
    } catch (error) {
      if (error.name !== 'TimeoutError') throw error;
    }
    return pair;
  };
  const cancelled = async (use) => {
    const pair = await connect();
    const task = createTask(() => use(pair));
    await hangs(task);
    pair.writer.transport?.abort?.();
    return task.cancelled();
  };
  check('read() is not cancelled', await cancelled(({ reader }) => reader.read()), false);
  check('drain() is not cancelled', await cancelled(({ writer }) => writer.drain()), false);
  check(
    'waitClosed() is not cancelled',
    await cancelled(async ({ writer }) => {
      writer.close();
      await writer.waitClosed();
    }),
    false,
  );
  const group = taskGroup(async (g) => {
    g.createTask(async () => {
      const { writer } = await connect();
      writer.close();
      try {
        await writer.waitClosed();
      } catch (error) {
        if (error.name === 'CancelledError') throw error;
      }
      throw new Error('the real outcome');
    });
  });
  check('a group reports the failure', await hangs(createTask(async () => await group)), 'ExceptionGroup');
  const plain = await node.openConnection('127.0.0.1', server.port);
  try {
    await timeout(0.05, () => plain.reader.read());
  } catch {
    /* the deadline */
  }
  plain.writer.writeEof();
  check('after a read that was cut off', await hangs(createTask(() => plain.reader.read())), new Uint8Array()); // control: holds today
  await hangs(createTask(() => server.shutdown(0)));
});
done();
