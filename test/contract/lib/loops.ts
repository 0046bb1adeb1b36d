import {
  type CoroutineLike,
  type EventLoop,
  logger,
  newEventLoop,
  type RunnerOptions,
  type RunOptions,
  run,
} from 'asyncio-ts';
import { ManualHost, VirtualHost } from 'asyncio-ts/testing';

/** A loop that turns only when the check says so, on a clock that stands still. */
export interface ManualLoop {
  readonly loop: EventLoop;
  readonly host: ManualHost;
  /** Runs iterations, each of them to its end: the step of an async function ends in a microtask. */
  iterate(times?: number): Promise<void>;
}

export function manualLoop(): ManualLoop {
  const host = new ManualHost();
  const loop = newEventLoop({ host });
  const iterate = async (times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) {
      loop.runOnce();
      do await macrotask();
      while (loop.isRunning());
    }
  };
  return { loop, host, iterate };
}

/** A loop whose time is simulated. */
export function virtualLoop(): EventLoop {
  return newEventLoop({ host: new VirtualHost() });
}

/** `run` in simulated time, which begins at 0. */
export function runVirtually<T>(main: CoroutineLike<T>, options: RunnerOptions & RunOptions = {}): Promise<T> {
  return run(main, { ...options, loopFactory: virtualLoop });
}

/** A promise that this library knows nothing of. */
export function later(milliseconds: number): Promise<void>;
export function later<T>(milliseconds: number, value: T): Promise<T>;
export function later<T>(milliseconds: number, value?: T): Promise<T | undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(value), milliseconds));
}

/** The present task of the runtime, with all its microtasks, is over. */
export function macrotask(): Promise<void> {
  return later(0);
}

/** What the library logs while a function runs; nothing of it is printed, or reported to a page. */
export async function logged(level: 'error' | 'warn', fn: () => unknown): Promise<string[]> {
  const lines: string[] = [];
  const original = logger[level];
  logger[level] = (...data) => {
    lines.push(data.map(String).join(' '));
  };
  try {
    await reportedErrors(fn);
  } finally {
    logger[level] = original;
  }
  return lines;
}

/** What the library gives to `reportError` while a function runs, instead of that. */
export async function reportedErrors(fn: () => unknown): Promise<unknown[]> {
  const errors: unknown[] = [];
  const globals = globalThis as { reportError?: (error: unknown) => void };
  const original = globals.reportError;
  globals.reportError = (error) => {
    errors.push(error);
  };
  try {
    await fn();
  } finally {
    if (original === undefined) delete globals.reportError;
    else globals.reportError = original;
  }
  return errors;
}
