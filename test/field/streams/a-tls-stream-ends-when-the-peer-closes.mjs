// Whoever reads a TLS connection sees its end, however much came before it and however full the reader was. (The
// failing runtime is Deno.)
import { cert, key } from '../certificate.mjs';
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, run, timeout } = core;

const receive = async (size) => {
  const server = await node.startServer(
    async (_reader, writer) => {
      writer.write(new Uint8Array(size));
      writer.close();
      await writer.waitClosed();
    },
    '127.0.0.1',
    0,
    { ssl: { key, cert } },
  );
  const [reader, writer] = await node.openConnection('127.0.0.1', server.port, {
    ssl: { ca: cert },
    serverHostname: 'localhost',
  });
  let got = 0,
    end = 'the end';
  try {
    await timeout(3, async () => {
      for (;;) {
        const bytes = await reader.read(65_536);
        if (bytes.length === 0) break;
        got += bytes.length;
      }
    });
  } catch (error) {
    end = error.name;
  }
  writer.close();
  await hangs(createTask(() => server.shutdown(0)));
  return [got, end];
};
await run(async () => {
  check('60,000 bytes', await receive(60_000), [60_000, 'the end']); // control: holds today
  check('300,000 bytes', await receive(300_000), [300_000, 'the end']);
});
done();
