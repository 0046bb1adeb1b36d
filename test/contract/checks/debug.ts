import { coroutine, createTask, getRunningLoop, run, sleep } from 'asyncio-ts';
import { equal, ok } from '../lib/expect.ts';
import { logged, manualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('debug mode');

check('is off, unless a run or a loop asks for it', async () => {
  const isOn = async () => getRunningLoop().getDebug();
  equal([await run(isOn), await run(isOn, { debug: true }), await run(isOn, { debug: false })], [false, true, false]);
  const { loop } = manualLoop();
  loop.setDebug(true);
  ok(loop.getDebug(), 'debug mode to be on');
});

check('reports a callback that is slow', async () => {
  const { loop, host } = manualLoop();
  loop.setDebug(true);
  loop.callSoon(() => host.advance(0.05));
  equal(await logged('warn', () => loop.runOnce()), []);
  loop.callSoon(() => host.advance(0.5));
  const lines = await logged('warn', () => loop.runOnce());
  ok(lines.length === 1 && /took 0\.500 seconds/.test(lines[0] ?? ''), 'one line that tells the time');
});

checkBoth('reports a step of a task that is slow', async (s) => {
  const { loop, host, iterate } = manualLoop();
  loop.setDebug(true);
  loop.slowCallbackDuration = 1;
  const slow = s.fn(function* () {
    host.advance(2);
    yield* s.wait(sleep(0));
    host.advance(0.5);
  });
  loop.createTask(slow, { name: 'the slow one' });
  const lines = await logged('warn', () => iterate(2));
  ok(lines.length === 1 && /the slow one.* took 2\.000 seconds/.test(lines[0] ?? ''), `one line, got ${lines.join()}`);
});

check('explains that the work of a promise runs already when it becomes a task, also when it is off', async () => {
  const lines = await logged('warn', () =>
    run(async () => await createTask(Promise.resolve() as never, { name: 'late' })),
  );
  ok(
    lines.length === 1 && /createTask\(f\).* instead of createTask\(f\(x\)\)/.test(lines[0] ?? ''),
    'one line with the fix',
  );
});

checkBoth('changes no result', async (s) => {
  const inner = coroutine(
    s.fn(function* () {
      return yield* s.wait(sleep(0, 21));
    }),
  );
  const main = s.fn(function* () {
    return (yield* s.wait(inner())) + (yield* s.wait(createTask(inner)));
  });
  equal(await run(main, { debug: true }), 42);
});
