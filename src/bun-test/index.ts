/**
 * Tests for `bun test` that are tasks.
 *
 * @module asyncio-ts/bun-test
 */

import { test as runner } from 'bun:test';
import {
  type AsyncTest,
  type AsyncTestEach,
  type AsyncTestOptions,
  checkTest,
  millisecondsWithCleanUp,
  runUnderDeadline,
} from '../testing/fixtures/core.ts';

export type { AsyncTest, AsyncTestEach, AsyncTestOptions, TestBody, TestScope } from '../testing/fixtures/core.ts';

/** `asyncTest` of Bun, with its variants. */
export interface BunAsyncTest extends AsyncTest<undefined, BunTestOptions> {
  readonly only: AsyncTest<undefined, BunTestOptions>;
  readonly skip: AsyncTest<undefined, BunTestOptions>;
  readonly each: AsyncTestEach<undefined, BunTestOptions>;
  todo(title: string): void;
}

/** Options of a test of Bun. */
export interface BunTestOptions {
  /** How often it is run again when it fails. */
  readonly retry?: number;
  /** How often it is run again in any case. */
  readonly repeats?: number;
}

type Declare = (title: string, fn: () => Promise<void>, options?: BunTestOptions & { timeout?: number }) => void;

function optionsOf(options: AsyncTestOptions<BunTestOptions>): BunTestOptions & { timeout: number } {
  return { ...options.runner, timeout: millisecondsWithCleanUp(options) };
}

function declaring(declare: Declare): AsyncTest<undefined, BunTestOptions> {
  return (title, body, options: AsyncTestOptions<BunTestOptions> = {}) => {
    checkTest(title, body, options);
    // Bun tells a test nothing of its time limit: ours comes first.
    declare(title, () => runUnderDeadline(title, body, options, undefined), optionsOf(options));
  };
}

const each: AsyncTestEach<undefined, BunTestOptions> =
  (cases) =>
  (title, body, options: AsyncTestOptions<BunTestOptions> = {}) => {
    checkTest(title, body, options);
    const fn = (...args: unknown[]): Promise<void> =>
      runUnderDeadline(title, (scope) => body(scope, ...(args as never)), options, undefined);
    runner.each(cases)(title, fn, optionsOf(options));
  };

/**
 * Declares a test that runs as a task on a loop of its own, in simulated time: hours of sleeping take no time, and a test in which nothing
 * can ever run again fails at once with what its tasks wait for.
 *
 * It fails by what it leaves behind: tasks, timers, sockets, processes, and errors that nobody has looked at. When it takes longer than
 * `timeout`, 5 seconds when absent, it is cancelled, and fails with what each task was waiting for; Bun's own time limit is set to more.
 *
 * @param title the title
 * @param body an async function or a generator function; `({ group, clock, signal })`
 * @param options `virtual: false` for real time; `timeout` in seconds; `failOnLeaks`, `failOnUnretrieved`; `runner`: options of Bun
 * @throws {TypeError} at once, when the body is no function
 */
export const asyncTest: BunAsyncTest = /* @__PURE__ */ Object.assign(
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
