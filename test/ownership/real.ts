import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type * as Core from 'asyncio-ts';
import { SimulatedHost } from './host.ts';
import {
  type Body,
  type Entry,
  isGenerator,
  isWait,
  type Limited,
  label,
  type Program,
  RELEASE,
  type Spelling,
  type Step,
  type Ticks,
  type Trace,
  type Wait,
} from './program.ts';

export type Library = typeof Core;

/** What runs a program on the library, and what each of its lines knows. */
interface Line {
  readonly name: string;
  readonly isGenerator: boolean;
  readonly group: Core.TaskGroup | null;
}

/** An error that a program throws itself. */
class Boom extends Error {
  override name = 'Boom';
}

type Frame = Generator<unknown, void, unknown>;

/** Ends a function early. */
const RETURN = Symbol('return');

function isCancellation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'CancelledError') return true;
  if (error.name === 'AbortError') return isCancellation(error.cause);
  return error instanceof AggregateError && error.name === 'AggregateError' && error.errors.every(isCancellation);
}

/** The name of an error's class, with the names of those that it contains. Cancellations in disguise count as such. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isCancellation(error)) return 'CancelledError';
  const parts: unknown = Reflect.get(error, 'errors');
  return Array.isArray(parts) ? `${error.name}(${parts.map(nameOf).sort().join(', ')})` : error.name;
}

/** The error of a cancellation says who asked for it, or at least which scope it belongs to (R12). */
function tells(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'CancelledError') return true;
  return /Task[- ]/.test(error.message);
}

/** Runs a program on the library, in simulated time. */
export async function runReal(library: Library, program: Program, spelling: Spelling): Promise<Trace> {
  return await new RealRun(library, spelling).run(program);
}

class RealRun {
  readonly #lib: Library;
  readonly #spelling: Spelling;
  readonly #host = new SimulatedHost();
  readonly #entries: Entry[] = [];
  readonly #tasks = new Map<string, Core.Task<unknown>>();
  readonly #futures = new Map<string, Core.Future<void>>();
  readonly #promises = new Map<string, Promise<void>>();
  readonly #emitter = new EventEmitter();
  readonly #variable: Core.ContextVar<string>;
  #loop: Core.EventLoop | null = null;
  #endedAt: Ticks | null = null;
  readonly #untold: string[] = [];

  constructor(library: Library, spelling: Spelling) {
    this.#lib = library;
    this.#spelling = spelling;
    this.#variable = new library.ContextVar('v', { default: '-' });
  }

  async run(program: Program): Promise<Trace> {
    const stray: string[] = [];
    const onRejection = (error: unknown): number => stray.push(`unhandled rejection: ${nameOf(error)}`);
    const onException = (error: unknown): number =>
      stray.push(`uncaught exception: ${error instanceof Error ? error.stack : error}`);
    process.on('unhandledRejection', onRejection);
    process.on('uncaughtException', onException);
    try {
      for (const { at, cancel } of program.outside)
        this.#host.call(at, () => {
          // A loop that is closed takes no requests any more, as in CPython.
          if (this.#endedAt === null) this.#tasks.get(cancel)?.cancel();
        });
      this.#host.call(RELEASE, () => {
        if (this.#endedAt !== null) return;
        for (const future of this.#futures.values()) if (!future.done()) future.setResult(undefined);
      });
      const loopFactory = (): Core.EventLoop => {
        const loop = this.#lib.newEventLoop({ host: this.#host });
        loop.setExceptionHandler(() => {});
        this.#loop = loop;
        return loop;
      };
      const main = this.#function(program.main, null);
      const end = (how: string): void => {
        this.#endedAt ??= this.#host.now;
        this.#log('run', how);
      };
      this.#lib.run(main as () => Promise<void>, { loopFactory, name: 'main' }).then(
        () => end('ok'),
        (error) => end(this.#nameOf(error)),
      );
      await this.#host.drive();
    } finally {
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
    }
    return { entries: this.#entries, endedAt: this.#endedAt, stray, untold: this.#untold };
  }

  #log(line: string, text: string): void {
    this.#host.noteActivity();
    this.#entries.push({ at: this.#host.now, line, text });
  }

  #nameOf(error: unknown): string {
    if (!tells(error))
      this.#untold.push(`a CancelledError that does not tell whose it is: ${JSON.stringify(String(error))}`);
    return nameOf(error);
  }

  #watch(name: string, task: Core.Task<unknown>): void {
    this.#tasks.set(name, task);
    task.addDoneCallback(() => {
      const error = task.cancelled() ? null : task.exception();
      const outcome = task.cancelled() ? 'cancelled' : error === null ? 'ok' : nameOf(error);
      this.#log(`task ${name}`, `${outcome}, cancelling ${task.cancelling()}`);
    });
  }

  /** An async function or a generator function, to be called by the library or by the program. */
  #function(
    body: Body,
    group: Core.TaskGroup | null,
    isSpelledAsGenerator = isGenerator(body, this.#spelling),
  ): (given?: unknown) => Promise<void> | Frame {
    const run = this;
    const lineOf = (given: unknown): Line => ({
      name: `f${body.id}`,
      isGenerator: isSpelledAsGenerator,
      group: given instanceof run.#lib.TaskGroup ? given : group,
    });
    if (isSpelledAsGenerator) {
      return function* (given?: unknown): Frame {
        const frame = run.#call(lineOf(given), body);
        for (let sent = frame.next(); ; ) {
          if (sent.done) return;
          let value: unknown;
          try {
            value = yield* sent.value as Iterable<unknown, unknown, unknown>;
          } catch (error) {
            sent = frame.throw(error);
            continue;
          }
          sent = frame.next(value);
        }
      };
    }
    return async (given?: unknown): Promise<void> => {
      const frame = run.#call(lineOf(given), body);
      for (let sent = frame.next(); ; ) {
        if (sent.done) return;
        let value: unknown;
        try {
          value = await sent.value;
        } catch (error) {
          sent = frame.throw(error);
          continue;
        }
        sent = frame.next(value);
      }
    };
  }

  /** Calls an async function of the program. */
  #start(body: Body, line: Line): Promise<void> {
    return this.#function(body, line.group, false)() as Promise<void>;
  }

  *#call(line: Line, body: Body): Frame {
    if (!this.#tasks.has('main')) this.#watch('main', this.#lib.currentTask()!);
    this.#log(line.name, 'begins');
    try {
      yield* this.#block(line, body);
    } catch (error) {
      if (error !== RETURN) {
        this.#log(line.name, `threw ${this.#nameOf(error)}`);
        throw error;
      }
    }
    this.#log(line.name, 'returned');
  }

  *#block(line: Line, body: Body): Frame {
    for (const step of body.steps) {
      if (isWait(step)) {
        const awaited = this.#begin(line, step);
        if (awaited === null) {
          this.#log(line.name, `${label(step)}: none`);
          continue;
        }
        const value = yield awaited;
        this.#log(line.name, `${label(step)}: ${typeof value === 'string' ? value : 'ok'}`);
      } else if (step.op === 'try') {
        yield* this.#try(line, step);
      } else {
        this.#do(line, step);
      }
    }
  }

  *#try(line: Line, step: Extract<Step, { op: 'try' }>): Frame {
    try {
      yield* this.#block(line, step.body);
    } catch (error) {
      if (error === RETURN || step.caught === null) throw error;
      this.#log(line.name, `caught ${this.#nameOf(error)}`);
      yield* this.#block(line, step.caught);
      if (step.then === 'rethrow') throw error;
      if (step.then === 'disguise') throw abortError(error);
    } finally {
      if (step.last !== null) yield* this.#block(line, step.last);
    }
  }

  /** What an `await` of the program has on its right; `null` where there is nothing to await. */
  #begin(line: Line, wait: Wait): unknown {
    const lib = this.#lib;
    switch (wait.op) {
      case 'sleep':
        return lib.sleep(wait.ticks / 1_024);
      case 'turn':
        return lib.sleep(0);
      case 'foreign':
        return this.#foreign(wait.ticks, wait.fails === true);
      case 'signalled':
        return this.#signalled(wait.ticks);
      case 'wrapped':
        return this.#wrapped(line, wait);
      case 'future':
        return this.#future(wait.name);
      case 'call':
        return this.#function(wait.body, line.group, line.isGenerator)();
      case 'memo': {
        const memo = this.#promises.get(wait.name) ?? this.#start(wait.body, line);
        this.#promises.set(wait.name, memo);
        return memo;
      }
      case 'join':
        return this.#tasks.get(wait.name) ?? null;
      case 'joinThen':
        return this.#tasks.get(wait.name)?.then(() => this.#start(wait.body, line)) ?? null;
      case 'held':
        return this.#promises.get(wait.name) ?? null;
      case 'together':
        return this.#together(line, wait);
      case 'timeout':
        return lib.timeout(wait.ticks / 1_024, this.#limited(line, wait.limited));
      case 'waitFor':
        return lib.waitFor(this.#limited(line, wait.limited) as () => Promise<void>, wait.ticks / 1_024);
      case 'group':
        return lib.taskGroup(this.#function(wait.body, line.group) as () => Promise<void>);
      case 'shield':
        return lib.shield(this.#function(wait.body, line.group) as () => Promise<void>);
      case 'shieldTask': {
        const task = this.#tasks.get(wait.name);
        return task === undefined ? null : lib.shield(task);
      }
      case 'gather':
        return lib.gather(
          wait.bodies.map((body) => this.#function(body, line.group) as () => Promise<void>),
          {},
        );
    }
  }

  #wrapped(line: Line, wait: Wait & { op: 'wrapped' }): Core.Future<void> {
    const options = { onLate: () => this.#log(line.name, `${label(wait)}: late`) };
    return this.#lib.wrapPromise(this.#foreign(wait.ticks, false), options as object);
  }

  #limited(line: Line, limited: Limited): () => Promise<void> {
    if ('body' in limited) return this.#function(limited.body, line.group) as () => Promise<void>;
    return () => this.#begin(line, limited.plain) as Promise<void>;
  }

  #together(line: Line, wait: Extract<Wait, { op: 'together' }>): Promise<unknown> {
    const parts = wait.parts.map((part) => this.#begin(line, part)) as PromiseLike<unknown>[];
    if (wait.how === 'all') return Promise.all(parts).then(() => undefined);
    if (wait.how === 'any') return Promise.any(parts).then(() => undefined);
    if (wait.how === 'race') return Promise.race(parts).then(() => undefined);
    return Promise.allSettled(parts).then((results) =>
      results.map((result) => (result.status === 'fulfilled' ? 'ok' : this.#nameOf(result.reason))).join(' '),
    );
  }

  #future(name: string): Core.Future<void> {
    const known = this.#futures.get(name);
    if (known !== undefined && !known.cancelled()) return known;
    const future = this.#loop!.createFuture<void>();
    this.#futures.set(name, future);
    if (this.#host.now >= RELEASE) future.setResult(undefined);
    return future;
  }

  #foreign(ticks: Ticks, fails: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#host.call(this.#host.now + ticks, () => (fails ? reject(new Boom()) : resolve()));
    });
  }

  #signalled(ticks: Ticks): Promise<void> {
    const signal = this.#lib.currentSignal();
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(abortError(signal.reason));
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener('abort', stop, { once: true });
      this.#host.call(this.#host.now + ticks, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  #do(line: Line, step: Exclude<Step, Wait | { op: 'try' }>): void {
    const lib = this.#lib;
    const note = (what: string): void => this.#log(line.name, `${label(step)}: ${what}`);
    switch (step.op) {
      case 'throw':
        throw new Boom();
      case 'return':
        throw RETURN;
      case 'set': {
        const future = this.#future(step.name);
        if (!future.done()) future.setResult(undefined);
        return;
      }
      case 'spawn':
        this.#watch(
          step.name,
          lib.createTask(this.#function(step.body, null) as () => Promise<void>, { name: step.name }),
        );
        return;
      case 'child':
        if (line.group !== null)
          this.#watch(
            step.name,
            line.group.createTask(this.#function(step.body, line.group) as () => Promise<void>, { name: step.name }),
          );
        return;
      case 'cancelGroup':
        line.group?.cancel();
        return;
      case 'float':
        this.#start(step.body, line).catch(() => {});
        return;
      case 'hold': {
        const promise = this.#start(step.body, line);
        promise.catch(() => {});
        this.#promises.set(step.name, promise);
        return;
      }
      case 'cancel':
        note(String(this.#tasks.get(step.name)?.cancel() ?? 'none'));
        return;
      case 'cancelSelf':
        lib.currentTask()!.cancel();
        return;
      case 'uncancel':
        note(String(lib.currentTask()!.uncancel()));
        return;
      case 'timer':
        this.#host.timer(step.ticks, () => void this.#start(step.body, line).catch(() => {}));
        return;
      case 'bound': {
        const bound = AsyncLocalStorage.bind(() => void this.#start(step.body, line).catch(() => {}));
        this.#host.call(this.#host.now + step.ticks, bound);
        return;
      }
      case 'thenForeign':
        this.#foreign(step.ticks, false)
          .then(() => this.#start(step.body, line))
          .catch(() => {});
        return;
      case 'thenTask':
        this.#tasks
          .get(step.name)
          ?.then(() => this.#start(step.body, line))
          .catch(() => {});
        return;
      case 'listen':
        this.#emitter.on(step.name, () => void this.#start(step.body, line).catch(() => {}));
        return;
      case 'emit':
        this.#emitter.emit(step.name);
        return;
      case 'setVariable':
        this.#variable.set(step.value);
        return;
      case 'getVariable':
        note(this.#variable.get());
        return;
      case 'cancelling':
        note(String(lib.currentTask()?.cancelling() ?? 'none'));
        return;
      case 'who': {
        const name = lib.currentTask()?.getName() ?? 'nobody';
        note(this.#tasks.get(name) === lib.currentTask() ? name : name === 'nobody' ? name : 'a task');
        return;
      }
      case 'throwIfAborted':
        lib.currentSignal().throwIfAborted();
        return;
    }
  }
}

function abortError(cause: unknown): Error {
  const error = new Error('aborted', { cause });
  error.name = 'AbortError';
  return error;
}
