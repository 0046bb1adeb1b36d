// A deadline around work on a connection holds also when the peer does not read: leaving `await using` by a
// cancellation does not wait for such a peer without any limit.
import net from 'node:net';
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

const stalled = net.createServer((socket) => {
  socket.pause();
  socket.on('error', () => {});
});
await new Promise((resolve) => stalled.listen(0, '127.0.0.1', resolve));
const { port } = stalled.address();
const attempt = (body) =>
  createTask(() =>
    timeout(0.3, async () => {
      await using connection = await node.openConnection('127.0.0.1', port);
      await body(connection);
    }),
  );
void run(async () => {
  check(
    'work that has nothing to send',
    await hangs(
      attempt(({ reader }) => reader.read()),
      3,
    ),
    'TimeoutError',
  ); // control: holds today
  check(
    'work that waits for the peer to read',
    await hangs(
      attempt(async ({ writer }) => {
        writer.write(new Uint8Array(20_000_000));
        await writer.drain();
      }),
      3,
    ),
    'TimeoutError',
  );
  const task = createTask(async () => {
    await using connection = await node.openConnection('127.0.0.1', port);
    connection.writer.write(new Uint8Array(20_000_000));
    await connection.writer.drain();
  });
  await sleep(0.2);
  task.cancel();
  check('a cancelled task that waits for the peer to read', await hangs(task, 3), 'CancelledError');
  done();
});
