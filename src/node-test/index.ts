/**
 * Tests for node:test that are tasks.
 *
 * @module asyncio-ts/node-test
 */

import { test as runner, type TestContext, type TestOptions } from 'node:test';
import {
  type AsyncTest,
  type AsyncTestOptions,
  checkTest,
  runUnderSignal,
  type TestBody,
  timeoutInMilliseconds,
} from '../testing/fixtures/core.ts';

export type { AsyncTest, AsyncTestOptions, TestBody, TestScope } from '../testing/fixtures/core.ts';

/** `asyncTest` of node:test, with its variants. */
export interface NodeAsyncTest extends AsyncTest<TestContext, TestOptions> {
  readonly only: AsyncTest<TestContext, TestOptions>;
  readonly skip: AsyncTest<TestContext, TestOptions>;
  todo(title: string): void;
}

function declaring(more: TestOptions): AsyncTest<TestContext, TestOptions> {
  return (title, body, options = {}) => {
    checkTest(title, body, options);
    const timeout = timeoutInMilliseconds(options);
    const given = { ...options.runner, ...more, ...(timeout === undefined ? {} : { timeout }) };
    void runner(title, given, (t) => run(title, body, options, t));
  };
}

/**
 * After its time limit node:test does not wait for a test, but for what is to be done after it. It has one error for a test, and that is its
 * own: what we know is told as a diagnostic.
 */
function run(
  title: string,
  body: TestBody<TestContext>,
  options: AsyncTestOptions<TestOptions>,
  t: TestContext,
): Promise<void> {
  const { ended, wasStopped } = runUnderSignal(title, body, options, t, t.signal);
  t.after(async () => {
    try {
      await ended;
    } catch (error) {
      if (wasStopped()) for (const line of String(error).split('\n')) t.diagnostic(line);
    }
  });
  return ended;
}

/**
 * Declares a test that runs as a task on a loop of its own, in simulated time: hours of sleeping take no time, and a test in which nothing
 * can ever run again fails at once with what its tasks wait for.
 *
 * It fails by what it leaves behind: tasks, timers, sockets, processes, and errors that nobody has looked at. The time limit of the runner
 * cancels it and waits for its clean-up.
 *
 * @param title the title
 * @param body an async function or a generator function; `({ group, clock, signal, runner })`, where `runner` is the `t` of node:test
 * @param options `virtual: false` for real time; `timeout` in seconds; `failOnLeaks`, `failOnUnretrieved`; `runner`: options of node:test
 * @throws {TypeError} at once, when the body is no function
 */
export const asyncTest: NodeAsyncTest = /* @__PURE__ */ Object.assign(/* @__PURE__ */ declaring({}), {
  only: /* @__PURE__ */ declaring({ only: true }),
  skip: /* @__PURE__ */ declaring({ skip: true }),
  todo: (title: string): void => {
    void runner(title, { todo: true });
  },
});
