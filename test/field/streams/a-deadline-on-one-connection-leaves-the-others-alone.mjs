// One task reads several connections side by side, each with its own deadline. One that is silent costs its own read;
// the others give their lines. The same for waits that are not reads.
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, gather, run, sleep, timeout } = core;

await run(async () => {
  const server = await node.startServer(
    async (reader, writer) => {
      const seconds = Number(new TextDecoder().decode(await reader.readline()));
      await sleep(seconds);
      writer.write(new TextEncoder().encode('answer\n'));
      await writer.drain();
      writer.close();
    },
    '127.0.0.1',
    0,
  );
  const ask = (seconds) => async () => {
    const [reader, writer] = await node.openConnection('127.0.0.1', server.port);
    writer.write(new TextEncoder().encode(`${seconds}\n`));
    try {
      return new TextDecoder().decode(await timeout(0.3, () => reader.readline()));
    } catch (error) {
      return error.name;
    } finally {
      writer.close();
    }
  };
  const outcome = (body) => hangs(createTask(body), 4);
  const expected = ['TimeoutError', 'answer\n', 'TimeoutError', 'answer\n'];
  const asks = [ask(2), ask(0.15), ask(2), ask(0.01)];
  const late = async (f) => {
    await sleep(0.2);
    return await f();
  };
  check('Promise.all', await outcome(() => Promise.all([ask(2)(), late(ask(0.2))])), ['TimeoutError', 'answer\n']);
  check(
    'Promise.all of four',
    await outcome(() => Promise.all([late(asks[0]), asks[1](), asks[2](), late(late.bind(null, asks[3]))])),
    expected,
  );
  check('gather of functions', await outcome(async () => await gather(...asks)), expected); // control: holds today
  await hangs(createTask(() => server.shutdown(0)));
});
done();
