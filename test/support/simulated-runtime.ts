import { AsyncLocalStorage } from 'node:async_hooks';
import { EventLoop, type ExceptionContext, getRunningLoop, logger, run } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { expect, vi } from 'vitest';

/** What a runtime does beside the event loop: promises and callbacks that are not of this library, on the clock of a simulated host. */
export class SimulatedRuntime {
  readonly host: VirtualHost = new VirtualHost();
  /** What the loop's exception handler was told. What is left at the end of a program fails its test. */
  readonly reports: ExceptionContext[] = [];
  /** What the library has warned of. What is left at the end of a program must be what its test expects. */
  readonly warnings: string[] = [];

  /** A promise that is not of the library, settled after so many seconds. */
  readonly foreign = <T = void>(seconds: number, value?: T): Promise<T> =>
    new Promise((resolve) => this.#call(seconds, () => resolve(value as T)));

  /** A promise that is not of the library and rejects after so many seconds. */
  readonly foreignFailure = (seconds: number, error: unknown): Promise<never> =>
    new Promise((_resolve, reject) => this.#call(seconds, () => reject(error)));

  /** Has the runtime call a function after so many seconds, in the async context of now: what `setTimeout` is for a program. */
  readonly timer = (seconds: number, callback: () => unknown): void => {
    const here = AsyncLocalStorage.snapshot();
    this.#call(seconds, () => here(() => setImmediate(callback)));
  };

  /** A callback of its own for each time: the host knows its callers by them. */
  #call(seconds: number, callback: () => void): void {
    this.host.at(this.host.time() + seconds, () => callback());
  }
}

/** The main function of a program of ordinary JavaScript. */
type Main = (runtime: SimulatedRuntime) => Promise<unknown>;

/** Options of a program. */
interface SimulationOptions {
  readonly debug?: boolean;
  /** The name of the main task. */
  readonly name?: string;
  /** What the library warns of, in order, as far as the program does not take it out. */
  readonly warnings?: readonly RegExp[];
}

/** A test whose body is the main function of a program in simulated time, with a runtime beside the loop. */
export function simulated(main: Main, options: SimulationOptions = {}): () => Promise<void> {
  return async () => {
    await simulate(main, options);
  };
}

/** Runs the main function of a program in simulated time, with a runtime beside the loop; gives what it returns. */
export async function simulate<T>(
  main: (runtime: SimulatedRuntime) => Promise<T>,
  options: SimulationOptions = {},
): Promise<T> {
  const { warnings: expected = [], ...given } = options;
  const runtime = new SimulatedRuntime();
  const begin = async (): Promise<T> => {
    getRunningLoop().setExceptionHandler((_loop, context) => {
      runtime.reports.push(context);
    });
    return await main(runtime);
  };
  const warn = vi.spyOn(logger, 'warn').mockImplementation((...data) => {
    runtime.warnings.push(data.map(String).join(' '));
  });
  let result: T;
  try {
    result = await run(begin, { name: 'main', ...given, loopFactory: () => new EventLoop({ host: runtime.host }) });
  } finally {
    warn.mockRestore();
  }
  expect(runtime.reports.map(({ message, exception }) => `${message}: ${exception}`)).toEqual([]);
  expect(runtime.warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  return result;
}

/** What a promise brings, or the name of its error: of what an `await` of this line would have thrown. */
export async function outcome(awaited: unknown): Promise<unknown> {
  try {
    return await awaited;
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}
