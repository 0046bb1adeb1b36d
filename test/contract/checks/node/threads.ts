import type { MessagePort } from 'node:worker_threads';
import { getRunningLoop, RuntimeError, run, sleep, ValueError } from 'asyncio-ts';
import { connectLoop, exposeLoop, type RemoteCall } from 'asyncio-ts/node';
import { equal, ok, rejects, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling, Steps } from '../../lib/spellings.ts';
import type { Functions } from '../../programs/remote-loop.ts';

const { check, checkBoth, live } = subject('the loop of another thread');

/** Functions for another thread, and what was noted by them. */
function functions(s: Spelling) {
  const notes: string[] = [];
  const exposed = {
    note: (line: string): void => {
      notes.push(`${line} in ${getRunningLoop().isRunning() ? 'the loop' : 'nothing'}`);
    },
    rest: s.fn(function* (seconds: number, value: string) {
      yield* s.wait(sleep(seconds));
      return value;
    }),
    refuse: s.fn(function* (): Steps<void> {
      yield* s.wait(sleep(0));
      throw new ValueError('no', { code: 'REFUSED' });
    }),
    hang: s.fn(function* (name: string) {
      try {
        yield* s.wait(sleep(1_000));
      } finally {
        notes.push(`${name} was cancelled`);
      }
    }),
  };
  return { notes, exposed };
}

function newWorker(program: string, port: MessagePort) {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const url = new URL(`../../programs/${program}.ts`, import.meta.url);
  return new Worker(url, { workerData: { port }, transferList: [port] });
}

live('is called, runs coroutines and cancels them, from a worker thread that then ends', function* (s) {
  const { notes, exposed } = functions(s);
  const loop = getRunningLoop();
  const door = exposeLoop(loop, exposed);
  const message = loop.createFuture<unknown>();
  const exit = loop.createFuture<unknown>();
  newWorker('remote-loop', door.port)
    .on('message', (found) => message.setResult(found))
    .on('error', (error) => message.setException(error))
    .on('exit', (code) => exit.setResult(code));
  equal(yield* s.wait(message), [
    'rested',
    ['ValueError', 'REFUSED'],
    ['RuntimeError', 'FUNCTION_NOT_EXPOSED'],
    ['TypeError', 'ARGUMENT_NOT_CLONEABLE'],
    true,
    ['CancelledError', 'CANCELLED'],
    ['TimeoutError', 'TIMED_OUT'],
  ]);
  equal(yield* s.wait(exit), 0);
  equal(notes, ['hello in the loop', 'a was cancelled', 'b was cancelled']);
  while (!door.isClosed()) yield* s.wait(sleep(0.001)); // the other side has ended
});

live('is reached within one thread, too', function* (s) {
  const { notes, exposed } = functions(s);
  const door = exposeLoop(getRunningLoop(), exposed);
  const loop = connectLoop<Functions>(door.port);
  loop.callSoonThreadsafe('note', 'hello');
  equal(yield* s.wait(loop.runCoroutineThreadsafe('rest', 0, 'rested')), 'rested');
  equal(notes, ['hello in the loop']);
  yield* s.fails(loop.runCoroutineThreadsafe('refuse'), ValueError, /^no$/);
  const waiting = loop.runCoroutineThreadsafe('hang', 'c');
  door.close();
  equal((yield* s.fails(waiting, RuntimeError)).code, 'PORT_CLOSED');
  equal([door.isClosed(), loop.isClosed()], [true, true]);
  throws(() => loop.callSoonThreadsafe('note', 'late'), RuntimeError, /is closed/);
});

checkBoth('cannot be reached any more when it has ended', async (s) => {
  const { notes, exposed } = functions(s);
  const main = s.fn(function* (): Steps<[RemoteCall<void>]> {
    const loop = connectLoop<Functions>(exposeLoop(getRunningLoop(), exposed).port);
    const hanging = loop.runCoroutineThreadsafe('hang', 'd');
    yield* s.wait(loop.runCoroutineThreadsafe('rest', 0, 'so that it hangs'));
    return [hanging];
  });
  const [hanging] = await run(main);
  await rejects(Promise.resolve(hanging), Error);
  equal(notes, ['d was cancelled']);
});

check('is exposed with functions only', async () => {
  await run(async () => {
    throws(() => exposeLoop(getRunningLoop(), { note: 5 as never }), TypeError, /note/);
    throws(() => connectLoop({} as never), TypeError);
  });
  const closed = await run(async () => getRunningLoop());
  ok(closed.isClosed(), 'a closed loop');
  throws(() => exposeLoop(closed, {}), RuntimeError, /closed/);
});
