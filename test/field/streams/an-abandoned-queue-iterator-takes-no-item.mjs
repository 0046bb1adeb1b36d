// Whoever stops iterating a queue leaves the rest in it, also when a next() was pending, as it is when a stream made
// from the queue is cancelled or destroyed.
import { Readable } from 'node:stream';
import { check, core, done } from '../lib.mjs';

const { Queue, readableSource, run, sleep } = core;

await run(async () => {
  const itemsLeft = async (start) => {
    const queue = new Queue();
    const stop = start(queue);
    await sleep(0.05);
    stop();
    await sleep(0.05);
    queue.putNowait('job');
    await sleep(0.05);
    return queue.qsize();
  };
  const cancelReader = (stream) => {
    const reader = stream.getReader();
    reader.read().catch(() => {});
    return () => {
      reader.cancel().catch(() => {});
    };
  };
  if (ReadableStream.from)
    check('ReadableStream.from', await itemsLeft((queue) => cancelReader(ReadableStream.from(queue))), 1);
  check(
    'Readable.from',
    await itemsLeft((queue) => {
      const stream = Readable.from(queue);
      stream.on('data', () => {});
      return () => stream.destroy();
    }),
    1,
  );
  check('readableSource', await itemsLeft((queue) => cancelReader(new ReadableStream(readableSource(queue)))), 1); // control: holds today
});
done();
