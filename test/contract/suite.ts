/** The suite as a runtime's entry sees it. */

import { logger } from 'asyncio-ts';
import type { Environment } from './lib/environment.ts';
import { macrotask } from './lib/loops.ts';
import { type Check, checks } from './lib/registry.ts';
import type { Failure, Report } from './lib/report.ts';
import { onUncaught } from './lib/uncaught.ts';
import './checks/loop.ts';
import './checks/futures.ts';
import './checks/tasks.ts';
import './checks/coroutines.ts';
import './checks/cancellation.ts';
import './checks/gather.ts';
import './checks/waiting.ts';
import './checks/timeouts.ts';
import './checks/groups.ts';
import './checks/sync.ts';
import './checks/queues.ts';
import './checks/interop.ts';
import './checks/contexts.ts';
import './checks/runner.ts';
import './checks/outside.ts';
import './checks/foreign.ts';
import './checks/ownership.ts';
import './checks/unretrieved.ts';
import './checks/errors.ts';
import './checks/clock.ts';
import './checks/threads.ts';
import './checks/signals.ts';
import './checks/hosted.ts';
import './checks/debug.ts';
import './checks/testing.ts';
import './checks/http.ts';

/** How long a check may take, in milliseconds: one that waits for ever must not end the suite. */
const DEADLINE = 5_000;

/** Runs the checks that this environment is for, one after the other. */
export async function runSuite(environment: Environment): Promise<Report> {
  const began = performance.now();
  const failures: Failure[] = [];
  const strays: string[] = [];
  onUncaught((error) => strays.push(`nobody caught ${describe(error)}`));
  logger.error = (...data) => strays.push(`nobody expected the log to say ${data.map(String).join(' ')}`);
  logger.warn = logger.error;
  const chosen = checks.filter((check) => check.where(environment));
  for (const check of chosen) {
    const problems = await problemsOf(check);
    // Uncaught errors are reported by then; a browser does so with a delay.
    for (let i = 0; i < 2; i++) await macrotask();
    problems.push(...strays.splice(0));
    failures.push(...problems.map((message) => ({ name: check.name, message })));
  }
  return { checks: chosen.length, failures, seconds: (performance.now() - began) / 1_000 };
}

async function problemsOf(check: Check): Promise<string[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${DEADLINE / 1_000} s`)), DEADLINE);
  });
  try {
    await Promise.race([check.run(), late]);
    return [];
  } catch (error) {
    return [describe(error)];
  } finally {
    clearTimeout(timer);
  }
}

/** With the stack of the first error of the chain: it leads to the claim that failed. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = `${error.name}: ${error.message}`;
  const stack = error.stack?.includes(error.message) === true ? error.stack : `${text}\n${error.stack ?? ''}`;
  return error.cause === undefined ? stack : `${stack}\ncaused by ${describe(error.cause)}`;
}
