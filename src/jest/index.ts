/**
 * Tests for Jest that are tasks.
 *
 * @module asyncio-ts/jest
 */

import { test as runner } from '@jest/globals';
import {
  type AsyncTest,
  type AsyncTestEach,
  type AsyncTestOptions,
  checkTest,
  millisecondsWithCleanUp,
  runUnderDeadline,
} from '../testing/fixtures/core.ts';

export type { AsyncTest, AsyncTestEach, AsyncTestOptions, TestBody, TestScope } from '../testing/fixtures/core.ts';

/** `asyncTest` of Jest, with its variants. */
export interface JestAsyncTest extends AsyncTest<undefined, never> {
  readonly only: AsyncTest<undefined, never>;
  readonly skip: AsyncTest<undefined, never>;
  readonly each: AsyncTestEach<undefined, never>;
  todo(title: string): void;
}

type Declare = (title: string, fn: () => Promise<void>, timeout?: number) => void;

function declaring(declare: Declare): AsyncTest<undefined, never> {
  return (title, body, options: AsyncTestOptions = {}) => {
    checkTest(title, body, options);
    // Jest tells a test nothing of its time limit: ours comes first.
    declare(title, () => runUnderDeadline(title, body, options, undefined), millisecondsWithCleanUp(options));
  };
}

const each: AsyncTestEach<undefined, never> =
  (cases) =>
  (title, body, options: AsyncTestOptions = {}) => {
    checkTest(title, body, options);
    const fn = (...args: unknown[]): Promise<void> =>
      runUnderDeadline(title, (scope) => body(scope, ...(args as never)), options, undefined);
    runner.each(cases)(title, fn, millisecondsWithCleanUp(options));
  };

/**
 * Declares a test that runs as a task on a loop of its own, in simulated time: hours of sleeping take no time, and a test in which nothing
 * can ever run again fails at once with what its tasks wait for.
 *
 * It fails by what it leaves behind: tasks, timers, sockets, processes, and errors that nobody has looked at. When it takes longer than
 * `timeout`, 5 seconds when absent, it is cancelled, and fails with what each task was waiting for; Jest's own time limit is set to more.
 *
 * @param title the title
 * @param body an async function or a generator function; `({ group, clock, signal })`
 * @param options `virtual: false` for real time; `timeout` in seconds; `failOnLeaks`, `failOnUnretrieved`
 * @throws {TypeError} at once, when the body is no function
 */
export const asyncTest: JestAsyncTest = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ declaring((...args) => runner(...args)),
  {
    only: /* @__PURE__ */ declaring((...args) => runner.only(...args)),
    skip: /* @__PURE__ */ declaring((...args) => runner.skip(...args)),
    each,
    todo: (title: string): void => {
      runner.todo(title);
    },
  },
);
