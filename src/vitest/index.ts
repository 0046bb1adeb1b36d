/**
 * Tests for Vitest that are tasks.
 *
 * @module asyncio-ts/vitest
 */

import { test as runner, type TestContext, type TestOptions } from 'vitest';
import {
  type AsyncTest,
  type AsyncTestEach,
  type AsyncTestOptions,
  checkTest,
  runUnderSignal,
  type TestBody,
  timeoutInMilliseconds,
} from '../testing/fixtures/core.ts';

export type { AsyncTest, AsyncTestEach, AsyncTestOptions, TestBody, TestScope } from '../testing/fixtures/core.ts';

/** `asyncTest` of Vitest, with its variants. */
export interface VitestAsyncTest extends AsyncTest<TestContext, TestOptions> {
  readonly only: AsyncTest<TestContext, TestOptions>;
  readonly skip: AsyncTest<TestContext, TestOptions>;
  readonly fails: AsyncTest<TestContext, TestOptions>;
  readonly concurrent: AsyncTest<TestContext, TestOptions>;
  readonly each: AsyncTestEach<TestContext, TestOptions>;
  todo(title: string): void;
}

type Declare = (title: string, options: TestOptions, fn: (context: TestContext) => Promise<void>) => void;

function declaring(declare: Declare): AsyncTest<TestContext, TestOptions> {
  return (title, body, options = {}) => {
    checkTest(title, body, options);
    declare(title, optionsOf(options), (context) => run(title, body, options, context));
  };
}

function optionsOf(options: AsyncTestOptions<TestOptions>): TestOptions {
  const timeout = timeoutInMilliseconds(options);
  return { ...options.runner, ...(timeout === undefined ? {} : { timeout }) };
}

/** After its time limit Vitest does not wait for a test, but for what is to be done when it has finished. */
function run(
  title: string,
  body: TestBody<TestContext>,
  options: AsyncTestOptions<TestOptions>,
  context: TestContext,
): Promise<void> {
  const { ended, wasStopped } = runUnderSignal(title, body, options, context, context.signal);
  context.onTestFinished(async () => {
    try {
      await ended;
    } catch (error) {
      if (wasStopped()) throw error;
    }
  });
  return ended;
}

const each: AsyncTestEach<TestContext, TestOptions> =
  (cases) =>
  (title, body, options = {}) => {
    checkTest(title, body, options);
    runner.for(cases)(title, optionsOf(options), (one, context) => {
      const args: unknown[] = Array.isArray(one) ? one : [one];
      return run(context.task.name, (scope) => body(scope, ...(args as never)), options, context);
    });
  };

/**
 * Declares a test that runs as a task on a loop of its own, in simulated time: hours of sleeping take no time, and a test in which nothing
 * can ever run again fails at once with what its tasks wait for.
 *
 * It fails by what it leaves behind: tasks, timers, sockets, processes, and errors that nobody has looked at. Vitest's time limit cancels it
 * and waits for its clean-up; the failure then tells what each task was waiting for.
 *
 * @param title the title
 * @param body an async function or a generator function; `({ group, clock, signal, runner })`, where `runner` is Vitest's context
 * @param options `virtual: false` for real time; `timeout` in seconds; `failOnLeaks`, `failOnUnretrieved`; `runner`: options of Vitest
 * @throws {TypeError} at once, when the body is no function
 */
export const asyncTest: VitestAsyncTest = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ declaring((...args) => runner(...args)),
  {
    only: /* @__PURE__ */ declaring((...args) => runner.only(...args)),
    skip: /* @__PURE__ */ declaring((...args) => runner.skip(...args)),
    fails: /* @__PURE__ */ declaring((...args) => runner.fails(...args)),
    concurrent: /* @__PURE__ */ declaring((...args) => runner.concurrent(...args)),
    each,
    todo: (title: string): void => {
      runner.todo(title);
    },
  },
);
