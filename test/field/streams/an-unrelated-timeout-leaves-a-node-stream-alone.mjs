// A Node stream whose source awaits the library is read by the stream, not by the task that made it: a deadline of that
// task has nothing to do with it.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { check, core, done, hangs } from '../lib.mjs';

const { run, sleep, timeout } = core;

const attempt = (unrelated) =>
  hangs(
    run(async () => {
      const out = [];
      const source = Readable.from(
        (async function* () {
          for (let i = 0; i < 4; i++) {
            await sleep(0.1);
            yield `${i}`;
          }
        })(),
      );
      const piped = pipeline(source, async (chunks) => {
        for await (const chunk of chunks) out.push(String(chunk));
      }).then(
        () => 'done',
        (error) => `failed: ${error.name}`,
      );
      if (unrelated)
        try {
          await timeout(0.15, () => sleep(1));
        } catch {
          /* the deadline */
        }
      return [await piped, ...out];
    }),
    5,
  );
check('with a deadline beside it', await attempt(true), ['done', '0', '1', '2', '3']);
check('without one', await attempt(false), ['done', '0', '1', '2', '3']); // control: holds today
done();
