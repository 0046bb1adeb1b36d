// close() sends what is kept, over TLS as over TCP: after drain(), close() and waitClosed() without an error the peer
// has all bytes and a clean end.
import { cert, key } from '../certificate.mjs';
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, run, sleep } = core;

const SIZE = 3_000_000;
const send = async (ssl, options) => {
  let got = 0,
    end = 'none';
  const server = await node.startServer(
    async (reader, writer) => {
      try {
        for (;;) {
          const bytes = await reader.read(65_536);
          if (bytes.length === 0) {
            end = 'clean end';
            break;
          }
          got += bytes.length;
        }
      } catch (error) {
        end = error.name;
      }
      writer.close();
    },
    '127.0.0.1',
    0,
    ssl,
  );
  const [, writer] = await node.openConnection('127.0.0.1', server.port, options);
  writer.write(new Uint8Array(SIZE));
  await writer.drain();
  writer.close();
  await writer.waitClosed();
  for (let i = 0; i < 60 && end === 'none'; i++) await sleep(0.05);
  await hangs(createTask(() => server.shutdown(0)));
  return [got, end];
};
await run(async () => {
  check('over TLS', await send({ ssl: { key, cert } }, { ssl: { ca: cert }, serverHostname: 'localhost' }), [
    SIZE,
    'clean end',
  ]);
  check('over TCP', await send({}, {}), [SIZE, 'clean end']); // control: holds today
});
done();
