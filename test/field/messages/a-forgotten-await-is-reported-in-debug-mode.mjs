// The library's own calls run nothing until they are awaited. In debug mode one that nobody awaits is reported, with
// its name, when it is collected: otherwise the item, the pause or the file is silently missing.
import { check, core, done, inProcess } from '../lib.mjs';

const { stderr } = await inProcess(
  async () => {
    await core.run(
      async () => {
        const queue = new core.Queue(),
          event = new core.Event();
        const lazy = core.coroutine(async function control() {});
        (() => {
          queue.put('job');
        })();
        (() => {
          core.sleep(1);
        })();
        (() => {
          event.wait();
        })();
        (() => {
          node.writeFile('/nowhere/never.txt', 'x');
        })();
        (() => {
          lazy();
        })();
        for (let i = 0; i < 8; i++) {
          globalThis.gc();
          await foreign(20);
        }
      },
      { debug: true },
    );
  },
  { gc: true },
);
const reported = (what) => stderr.split('\n').some((line) => what.test(line) && /never awaited|not awaited/.test(line));
check('queue.put', reported(/\bput\b/), true);
check('sleep', reported(/\bsleep\b/), true);
check('event.wait', reported(/\bwait\b/), true);
check('writeFile', reported(/writeFile/), true);
check('a coroutine() object', reported(/control/), true); // control: holds today

const lock = new core.Lock();
let outcome;
try {
  using _ = lock.acquire();
  outcome = lock.locked() ? 'locked' : 'silently not locked';
} catch {
  outcome = 'refused';
}
check(
  '`using` of an acquire that was not awaited',
  outcome === 'silently not locked' ? outcome : 'locked or refused',
  'locked or refused',
);
done();
