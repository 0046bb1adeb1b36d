import {
  type Callback,
  type Context,
  EventLoop,
  type ExceptionContext,
  getRunningLoop,
  type Handle,
  newEventLoop,
  RuntimeError,
  SystemExit,
  sleep,
  ValueError,
} from 'asyncio-ts';
import { withErrorEvents, withoutErrorEvents } from '../lib/environment.ts';
import { equal, ok, rejects, throws } from '../lib/expect.ts';
import { logged, manualLoop, reportedErrors, runVirtually, virtualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('loop');

check('an iteration runs exactly what was ready when it began', async () => {
  const { loop } = manualLoop();
  const trace: string[] = [];
  loop.callSoon(() => {
    trace.push('a');
    loop.callSoon(() => trace.push('c'));
  });
  loop.callSoon(() => trace.push('b'));
  loop.runOnce();
  equal(trace, ['a', 'b']);
  loop.runOnce();
  equal(trace, ['a', 'b', 'c']);
});

check('a callback gets the arguments that it was scheduled with', async () => {
  const { loop } = manualLoop();
  const trace: unknown[] = [];
  loop.callSoon((...args: number[]) => trace.push(args), 1, 2);
  loop.runOnce();
  equal(trace, [[1, 2]]);
});

check('callSoon comes before callLater(0) of the same iteration', async () => {
  const { loop } = manualLoop();
  const trace: string[] = [];
  loop.callSoon(() => {
    loop.callLater(0, () => trace.push('timer'));
    loop.callSoon(() => trace.push('soon'));
  });
  loop.runOnce();
  loop.runOnce();
  equal(trace, ['soon', 'timer']);
});

check('timers run in order of their deadlines, equal ones in order of scheduling', async () => {
  const loop = virtualLoop();
  const trace: string[] = [];
  for (const [name, delay] of Object.entries({ c: 3, a1: 1, b: 2, a2: 1, a3: 1, a4: 1 })) {
    loop.callLater(delay, () => trace.push(`${name}@${loop.time()}`));
  }
  loop.callLater(4, () => loop.stop());
  await loop.runForever();
  loop.close();
  equal(trace, ['a1@1', 'a2@1', 'a3@1', 'a4@1', 'b@2', 'c@3']);
});

check('a timer is not run before it is due, and once only', async () => {
  const { loop, host } = manualLoop();
  let calls = 0;
  const timer = loop.callLater(5, () => calls++);
  equal(timer.when(), 5);
  equal(host.wantedAt, 5);
  host.advance(4.9);
  loop.runOnce();
  equal(calls, 0);
  host.advance(0.1);
  loop.runOnce();
  loop.runOnce();
  equal(calls, 1);
});

check('a delay below zero is due at once', async () => {
  const { loop } = manualLoop();
  let calls = 0;
  loop.callLater(-1, () => calls++);
  loop.callAt(-10, () => calls++);
  loop.runOnce();
  equal(calls, 2);
});

check('a delay may have named units, and must be a number', async () => {
  const { loop } = manualLoop();
  equal(loop.callLater({ minutes: 1, milliseconds: 500 }, () => {}).when(), 60.5);
  throws(() => loop.callLater(Number.NaN, () => {}), ValueError, /NaN/);
  throws(() => loop.callLater({}, () => {}), TypeError, /number of seconds/);
});

check('a delay may be longer than a timer of the runtime', async () => {
  const days = 100;
  equal(await runVirtually(() => sleep({ days }, 'slept')), 'slept');
  const loop = newEventLoop(); // the runtime's own timers must not fire early
  loop.callLater({ days }, () => loop.stop());
  const early = loop.callLater(0.02, () => loop.stop());
  await loop.runForever();
  ok(loop.time() >= early.when() - 0.001 && loop.time() < early.when() + 60, 'the short timer to end the run');
  loop.close();
});

check('a cancelled callback is not called', async () => {
  const { loop } = manualLoop();
  let calls = 0;
  const handles = [loop.callSoon(() => calls++), loop.callLater(0, () => calls++)];
  for (const handle of handles) {
    ok(!handle.cancelled(), 'a new handle not to be cancelled');
    handle.cancel();
    ok(handle.cancelled(), 'the handle to be cancelled');
  }
  loop.runOnce();
  equal(calls, 0);
});

check('an error in a callback goes to the exception handler, and the loop keeps running', async () => {
  const { loop } = manualLoop();
  const reports: ExceptionContext[] = [];
  loop.setExceptionHandler((_loop, context) => {
    reports.push(context);
  });
  const error = new Error('broken');
  const handle = loop.callSoon(() => {
    throw error;
  });
  let calls = 0;
  loop.callSoon(() => calls++);
  loop.runOnce();
  equal(calls, 1);
  equal([reports.length, reports[0]?.exception, reports[0]?.handle], [1, error, handle]);
});

check('an exception handler that throws does not break the loop', async () => {
  const { loop } = manualLoop();
  loop.setExceptionHandler(() => {
    throw new Error('the handler is broken, too');
  });
  loop.callSoon(() => {
    throw new Error('broken');
  });
  const lines = await logged('error', () => loop.runOnce());
  ok(/Unhandled error in exception handler/.test(lines.join()), 'the default handler to tell');
});

for (const [where, title, count] of [
  [withErrorEvents, 'an error that the loop logs goes to the listeners of the page', 1],
  [withoutErrorEvents, 'an error that the loop logs is only logged, because reporting it would end the program', 0],
] as const) {
  subject('loop', where).check(title, async () => {
    const { loop } = manualLoop();
    const error = new Error('broken');
    loop.callSoon(() => {
      throw error;
    });
    const reported: unknown[] = [];
    const lines = await logged('error', async () => reported.push(...(await reportedErrors(() => loop.runOnce()))));
    equal([lines.length, reported], [1, count === 1 ? [error] : []]);
  });
}

check('stop() before a run allows exactly one iteration', async () => {
  const loop = virtualLoop();
  const trace: string[] = [];
  loop.callSoon(() => {
    trace.push('first');
    loop.callSoon(() => trace.push('second'));
  });
  loop.stop();
  await loop.runForever();
  equal(trace, ['first']);
  loop.close();
});

check('after stop() in a callback the batch ends; callbacks that were added wait for the next run', async () => {
  const loop = virtualLoop();
  const trace: string[] = [];
  loop.callSoon(() => {
    loop.stop();
    loop.callSoon(() => trace.push('added'));
  });
  loop.callSoon(() => trace.push('batch'));
  await loop.runForever();
  equal(trace, ['batch']);
  loop.stop();
  await loop.runForever();
  equal(trace, ['batch', 'added']);
  loop.close();
});

checkBoth('runUntilComplete gives the result, or the error, of a coroutine', async (s) => {
  const loop = virtualLoop();
  const double = s.fn(function* () {
    return 2 * (yield* s.wait(sleep(1, 21)));
  });
  equal(await loop.runUntilComplete(double), 42);
  const fail = s.fn(function* () {
    yield* s.wait(sleep(1));
    throw new RangeError('too far');
  });
  await rejects(loop.runUntilComplete(fail), RangeError, /too far/);
  ok(!loop.isRunning(), 'the loop to have stopped');
  loop.close();
});

check('runUntilComplete fails when the loop is stopped before', async () => {
  const loop = virtualLoop();
  loop.callLater(1, () => loop.stop());
  await rejects(loop.runUntilComplete(loop.createFuture()), RuntimeError, /stopped before Future completed/);
  loop.close();
});

check('a loop that runs cannot be run again or closed', async () => {
  const loop = virtualLoop();
  const running = loop.runForever();
  await rejects(loop.runForever(), RuntimeError, /already running/);
  throws(() => loop.close(), RuntimeError, /running/);
  loop.stop();
  await running;
  loop.close();
});

check('another loop cannot be run from within a callback', async () => {
  const { loop } = manualLoop();
  const other = virtualLoop();
  let refused: Promise<unknown> | undefined;
  loop.callSoon(() => {
    refused = rejects(other.runForever(), RuntimeError, /another loop is running/);
  });
  loop.runOnce();
  await refused;
  other.close();
});

check('a closed loop takes no work, and closing twice is harmless', async () => {
  const { loop } = manualLoop();
  let calls = 0;
  loop.callSoon(() => calls++);
  loop.close();
  loop.close();
  ok(loop.isClosed(), 'the loop to be closed');
  for (const work of [
    () => loop.callSoon(() => {}),
    () => loop.callLater(1, () => {}),
    () => loop.createTask(() => sleep(1)),
    () => loop.runOnce(),
  ]) {
    equal(throws(work, RuntimeError, /closed/).code, 'LOOP_CLOSED');
  }
  await rejects(loop.runForever(), RuntimeError, /closed/);
  equal(calls, 0);
});

check('coroutine functions are refused as callbacks', async () => {
  const { loop } = manualLoop();
  throws(() => loop.callSoon(async () => {}), TypeError, /createTask/);
  throws(() => loop.callSoon(function* () {}), TypeError, /createTask/);
  throws(() => loop.callLater(1, 42 as never), TypeError, /callable/);
});

check('SystemExit leaves the run at once, and the rest stays queued', async () => {
  const loop = virtualLoop();
  const trace: string[] = [];
  loop.callSoon(() => {
    throw new SystemExit(3);
  });
  loop.callSoon(() => trace.push('rest'));
  equal((await rejects(loop.runForever(), SystemExit)).exitCode, 3);
  equal(trace, []);
  loop.stop();
  await loop.runForever();
  equal(trace, ['rest']);
  loop.close();
});

check('a subclass that overrides callSoon sees what tasks schedule', async () => {
  let calls = 0;
  class Counting extends EventLoop {
    override callSoonIn<A extends unknown[]>(context: Context, callback: Callback<A>, ...args: A): Handle {
      calls++;
      return super.callSoonIn(context, callback, ...args);
    }
  }
  const loop = new Counting();
  await loop.runUntilComplete(() => sleep(0));
  ok(calls >= 2, 'at least two steps of the task');
  loop.close();
});

check('functions run by the default executor bring their result', async () => {
  const result = await runVirtually(async () => {
    const loop = getRunningLoop();
    loop.setDefaultExecutor({ submit: (fn, ...args) => Promise.resolve(fn(...args)) });
    return await loop.runInExecutor(null, (a, b) => a * b, 6, 7);
  });
  equal(result, 42);
});

check('a clock that goes back is reported once, and the loop time does not change', async () => {
  const { loop, host } = manualLoop();
  host.advance(10);
  equal(loop.time(), 10);
  host.advance(-3);
  const lines = await logged('warn', () => equal([loop.time(), loop.time()], [10, 10]));
  ok(lines.length === 1 && /monotonic/.test(lines[0] ?? ''), 'one complaint');
  host.advance(4);
  equal(loop.time(), 11);
});
