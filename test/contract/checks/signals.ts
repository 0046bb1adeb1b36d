import { ContextVar, Event, getRunningLoop, RuntimeError, run, ValueError } from 'asyncio-ts';
import { inWorker, withSignals } from '../lib/environment.ts';
import { equal, throws } from '../lib/expect.ts';
import { macrotask } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth, live } = subject('signals', withSignals);
const { check: checkWorker } = subject('signals', inWorker);

const send = (signal: 'SIGUSR2' | 'SIGTERM' | 'SIGINT' = 'SIGUSR2') => process.kill(process.pid, signal);

live('call a handler in its loop, with its arguments, in its context, each time', function* (s) {
  const loop = getRunningLoop();
  const name = new ContextVar<string>('name');
  const received = new Event();
  const seen: unknown[] = [];
  name.set('then');
  const handler = (...args: unknown[]) => {
    seen.push([...args, name.get(), getRunningLoop() === loop]);
    received.set();
  };
  loop.addSignalHandler('SIGUSR2', handler, 'a', 1);
  name.set('now');
  for (let i = 0; i < 2; i++) {
    received.clear();
    send();
    yield* s.wait(received.wait());
  }
  equal(seen, Array(2).fill(['a', 1, 'then', true]));
});

live('call the handler that was added last, until it is removed', function* (s) {
  const loop = getRunningLoop();
  const received = new Event();
  const seen: string[] = [];
  for (const name of ['first', 'second']) {
    loop.addSignalHandler('SIGTERM', () => {
      seen.push(name);
      received.set();
    });
  }
  send('SIGTERM');
  yield* s.wait(received.wait());
  equal(seen, ['second']);
  equal([loop.removeSignalHandler('SIGTERM'), loop.removeSignalHandler('SIGTERM')], [true, false]);
  equal(process.listenerCount('SIGTERM'), 0);
});

live('let a program take Ctrl-C over', function* (s) {
  const received = new Event();
  getRunningLoop().addSignalHandler('SIGINT', () => received.set());
  send('SIGINT');
  yield* s.wait(received.wait());
});

checkBoth('are heard by several loops', async (s) => {
  let listening = 0;
  const main = s.fn(function* () {
    const received = new Event();
    getRunningLoop().addSignalHandler('SIGUSR2', () => received.set());
    listening++;
    if (listening === 2) send();
    yield* s.wait(received.wait());
  });
  await Promise.all([run(main), run(main)]);
});

check('have no handler any more when the loop has ended', async () => {
  const main = async () => {
    for (const signal of ['SIGUSR2', 'SIGTERM', 'SIGINT']) getRunningLoop().addSignalHandler(signal, () => {});
  };
  await run(main);
  await macrotask();
  equal(
    ['SIGUSR2', 'SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal)),
    [0, 0, 0],
  );
});

check('that do not exist, or that cannot be caught, are errors', async () => {
  const main = async () => {
    const loop = getRunningLoop();
    throws(() => loop.addSignalHandler('SIGNONE', () => {}), ValueError, /SIGNONE/);
    for (const signal of ['SIGKILL', 'SIGSTOP'])
      throws(() => loop.addSignalHandler(signal, () => {}), RuntimeError, /cannot be caught/);
    throws(() => loop.addSignalHandler('SIGTERM', (async () => {}) as never), TypeError);
    throws(() => loop.addSignalHandler(15 as never, () => {}), TypeError);
  };
  await run(main);
});

checkWorker('are not for workers, and the error says so', async () => {
  const main = async () => {
    throws(() => getRunningLoop().addSignalHandler('SIGTERM', () => {}), RuntimeError, /main thread|no signals here/);
    equal(getRunningLoop().removeSignalHandler('SIGTERM'), false);
  };
  await run(main);
});
