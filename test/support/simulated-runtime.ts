import { AsyncLocalStorage } from 'node:async_hooks';
import { clearImmediate, setImmediate } from 'node:timers';
import { EventLoop, type ExceptionContext, getRunningLoop, type Host, logger, run } from 'asyncio-ts';
import { expect, vi } from 'vitest';

/** So many turns of the real runtime without anything to do mean that all promises have settled that will at this time. */
const QUIET_TURNS = 4;

/**
 * A host whose clock stands still until nothing is left to run, no open step of an async function either, and then goes to the next event:
 * a turn that the loop has asked for, or something that the runtime does by itself.
 */
class SteppingHost implements Host {
  readonly resolution: number = 1e-9;
  #now = 0;
  #soon: (() => void)[] = [];
  readonly #wishes = new Map<() => void, number>();
  #events: { readonly when: number; readonly call: () => void }[] = [];
  #isTicking = false;
  #quiet = 0;

  time(): number {
    return this.#now;
  }

  soon(turn: () => void): void {
    this.#soon.push(turn);
    this.#start();
  }

  at(when: number | null, turn: () => void): void {
    if (when === null || when === Number.POSITIVE_INFINITY) this.#wishes.delete(turn);
    else this.#wishes.set(turn, when);
    this.#start();
  }

  /** Calls a function at a given time, as code that belongs to no task. */
  call(when: number, call: () => void): void {
    this.#events.push({ when, call });
    this.#events.sort((a, b) => a.when - b.when);
    this.#start();
  }

  ref(): void {}

  unref(): void {}

  #start(): void {
    this.#quiet = 0;
    if (this.#isTicking) return;
    this.#isTicking = true;
    nobodys(() => setImmediate(this.#tick));
  }

  readonly #tick = (): void => {
    const next = setImmediate(this.#tick); // now, so that an error that comes out of a turn does not end it
    const turn = this.#soon.shift();
    if (turn !== undefined) {
      this.#quiet = 0;
      turn();
    } else if (++this.#quiet > QUIET_TURNS) {
      this.#quiet = 0;
      if (this.#advance()) return;
      clearImmediate(next);
      this.#isTicking = false;
    }
  };

  #advance(): boolean {
    const event = this.#events[0];
    const [wish] = [...this.#wishes].sort(([, a], [, b]) => a - b);
    if (wish !== undefined && (event === undefined || wish[1] <= event.when)) {
      this.#wishes.delete(wish[0]);
      this.#now = Math.max(this.#now, wish[1]);
      wish[0]();
      return true;
    }
    if (event === undefined) return false;
    this.#events.shift();
    this.#now = Math.max(this.#now, event.when);
    event.call();
    return true;
  }
}

/** The async context of a module: that of no task. */
const nobodys = AsyncLocalStorage.snapshot();

/** What a runtime does beside the event loop: promises and callbacks that are not of this library, on the clock of a simulated host. */
export class SimulatedRuntime {
  readonly host: SteppingHost = new SteppingHost();
  /** The reports to the loop's exception handler. A report that is left at the end of a program fails its test. */
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

  #call(seconds: number, callback: () => void): void {
    this.host.call(this.host.time() + seconds, callback);
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
  readonly warnings?: readonly RegExp[] | null;
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
    result = await run(begin, {
      name: 'main',
      unretrievedAfter: null,
      ...given,
      loopFactory: () => new EventLoop({ host: runtime.host }),
    });
  } finally {
    warn.mockRestore();
  }
  expect(runtime.reports.map(({ message, exception }) => `${message}: ${exception}`)).toEqual([]);
  if (expected !== null) expect(runtime.warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  return result;
}

/** The value of a promise, or the name of its error: of what an `await` of this line would have thrown. */
export async function outcome(awaited: unknown): Promise<unknown> {
  try {
    return await awaited;
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}
