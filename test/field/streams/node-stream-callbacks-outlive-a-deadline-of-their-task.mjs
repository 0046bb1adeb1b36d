// write and transform of Node streams are called by the stream, and so is a connection's listener by its server. A
// deadline of the task that made them does not end what they wait for.
import net from 'node:net';
import { Transform, Writable } from 'node:stream';
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, Lock, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const limited = async () => {
  try {
    await timeout(0.1, () => sleep(5));
  } catch {
    /* the deadline */
  }
};
const attempt = (start, beside = limited) =>
  hangs(
    createTask(async () => {
      const work = start();
      await beside();
      return await work;
    }),
  );
const finished = (stream) =>
  new Promise((resolve) => {
    stream.on('error', (error) => resolve(error.name)).on('finish', () => resolve('finished'));
  });
const writable = () =>
  new Writable({
    async write(_chunk, _encoding, next) {
      try {
        await sleep(0.2);
        next();
      } catch (error) {
        next(error);
      }
    },
  });
const transform = () =>
  new Transform({
    async transform(chunk, _encoding, next) {
      try {
        await sleep(0.2);
        next(null, chunk);
      } catch (error) {
        next(error);
      }
    },
  });
const send = async (stream) => {
  const end = finished(stream);
  stream.resume?.();
  stream.end('x');
  return await end;
};
const serve = async () => {
  const lock = new Lock(),
    server = net.createServer(async (socket) => {
      using _ = await lock.acquire();
      await sleep(0.2);
      socket.end('served');
    });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = net.connect(server.address().port, '127.0.0.1');
  const text = await Promise.race([
    new Promise((resolve) => {
      socket.on('data', (bytes) => resolve(String(bytes))).on('error', resolve);
    }),
    foreign(1_000, 'nothing'),
  ]);
  socket.destroy();
  server.close();
  return text;
};
await run(async () => {
  check('write', await attempt(() => send(writable())), 'finished');
  check('transform', await attempt(() => send(transform())), 'finished');
  check("a server's listener", await attempt(serve), 'served');
  check(
    'no deadline',
    await attempt(
      () => send(writable()),
      () => sleep(0.05),
    ),
    'finished',
  ); // control: holds today
});
done();
