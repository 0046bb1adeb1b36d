import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type FrameSnapshot, makeLens, type TaskPage, type TaskSnapshot } from '../../inspect/lens.ts';
import { joinPages } from '../../inspect/task-tree.ts';
import { AttachError } from './attach-error.ts';
import { closeFromInside } from './close-from-inside.ts';
import { type GeneratorDetails, Generators } from './generators.ts';
import { enter } from './inside.ts';
import { ContextGone, type Inspector } from './inspector.ts';
import { unlessAborted } from './interruption.ts';
import { type Opened, openInspector } from './open-inspector.ts';
import { checkProcess } from './process-check.ts';

/** A task, with what only the inspector knows of its generators. */
export interface SeenTask extends TaskSnapshot {
  /** One for each frame that is a generator, in their order. */
  readonly generators: readonly GeneratorDetails[];
}

/** All tasks at a time. */
export interface Look {
  readonly tasks: readonly SeenTask[];
  /** How many tasks there are; more than there are in `tasks` where a limit was set. */
  readonly total: number;
}

/** What to look at. */
export interface LookOptions {
  /** So many tasks at most. */
  readonly limit?: number;
  /** Also the places and the local variables of generators. */
  readonly locals?: boolean;
}

/** A page takes the process at most about so many seconds, and it has as many for itself before the next one. */
const PAGE_SECONDS = 0.003;
/** A tool that says nothing for so many seconds has gone. */
const LEASE = 30;
const ATTEMPTS = 5;
const LEAVING_MS = 1_000;

/** A process that is looked at. */
export class Target {
  readonly pid: number;
  readonly #inspector: Inspector;
  readonly #token: string;
  readonly #names: Generators;
  #places: Generators | null = null;

  private constructor(pid: number, inspector: Inspector, token: string) {
    this.pid = pid;
    this.#inspector = inspector;
    this.#token = token;
    this.#names = new Generators(inspector);
  }

  /**
   * Begins to look at a process. To be ended with `detach`.
   *
   * @param signal gives it up, and leaves the process as it was
   * @throws {AttachError} when that cannot be done
   * @throws the reason of the signal
   */
  static async attach(pid: number, signal: AbortSignal = new AbortController().signal): Promise<Target> {
    // Tools in different containers may have the same number.
    const token = `${process.pid}-${Math.random().toString(36).slice(2)}`;
    let hasOpened = false;
    for (let attempt = 1; ; attempt++) {
      try {
        const opened = await openInspector(pid, signal);
        // What an earlier attempt has asked for may be open only now.
        hasOpened ||= opened.hasOpened;
        return await Target.#attachOnce(pid, token, { ...opened, hasOpened }, signal);
      } catch (error) {
        // A tool that was there before has closed the inspector on leaving.
        if (!(error instanceof AttachError) || !error.isPassing || attempt === ATTEMPTS) throw error;
        await delay(20 * attempt);
      }
    }
  }

  static async #attachOnce(
    pid: number,
    token: string,
    { inspector, hasOpened }: Opened,
    signal: AbortSignal,
  ): Promise<Target> {
    const target = new Target(pid, inspector, token);
    const { problem, runtime } = await target.#enter(hasOpened, signal);
    if (problem === null && !signal.aborted) return target;
    await target.detach();
    signal.throwIfAborted();
    if (problem === 'no loop') {
      throw new AttachError(
        `process ${pid} (${runtime}) has no event loop of asyncio-ts in its main thread: it does not import the library, or has not made a loop yet`,
      );
    }
    throw new AttachError(
      `process ${pid} has a copy of asyncio-ts that is older than this command: update it there to the version of this one`,
    );
  }

  async #enter(hasOpened: boolean, signal: AbortSignal): Promise<ReturnType<typeof enter>> {
    const args = `globalThis, ${String(makeLens)}, ${JSON.stringify(this.#token)}, ${hasOpened}, ${LEASE}`;
    try {
      const entered = this.#evaluate(`JSON.stringify((${String(enter)})(${args}))`);
      return JSON.parse(await unlessAborted(entered, signal)) as ReturnType<typeof enter>;
    } catch (error) {
      if (hasOpened) await closeFromInside(this.#inspector, this.#token);
      else if (signal.aborted)
        await this.detach(); // the process comes to it all the same
      else this.#inspector.close();
      if (error instanceof AttachError || signal.aborted) throw error;
      throw new AttachError(`process ${this.pid} cannot be looked at: ${(error as Error).message.split('\n')[0]}`, {
        cause: error,
      });
    }
  }

  /** Settled when the process has ended, or has closed its inspector. */
  get closed(): Promise<void> {
    return this.#inspector.closed;
  }

  /** Looks at the tasks, page by page, so that the process is never stopped for long. */
  async look({ limit = Number.POSITIVE_INFINITY, locals = false }: LookOptions = {}): Promise<Look> {
    if (locals) this.#places ??= await this.#guard(Generators.withPlaces(this.#inspector));
    const total = await this.#call<number>('begin()');
    const pages: TaskPage[] = [];
    const details = new Map<number, readonly GeneratorDetails[]>();
    let count = 0;
    for (let from: number | null = 0; from !== null; ) {
      const began = performance.now();
      const options = `{ limit: ${Math.max(1, Math.min(PAGE_SIZE, limit - count))}, seconds: ${PAGE_SECONDS} }`;
      // Of more tasks than were asked for nothing is read, but everything that those which were read need.
      const page: TaskPage = await this.#call(`page(${count < limit ? from : total}, ${options})`);
      await this.#addGenerators(page, locals, details);
      pages.push(page);
      count += page.tasks.length;
      from = page.next;
      if (from !== null) await delay(Math.min(10, performance.now() - began)); // the process has work of its own
    }
    const tasks = joinPages(pages).map((task) => ({ ...task, generators: details.get(task.id) ?? [] }));
    return { tasks, total };
  }

  async #addGenerators(page: TaskPage, locals: boolean, into: Map<number, readonly GeneratorDetails[]>): Promise<void> {
    const frames = page.tasks.map((task) => task.frames.filter(({ kind }) => kind === 'generator'));
    if (frames.every(({ length }) => length === 0)) return;
    const all = await this.#describe(frames.flat(), locals);
    let at = 0;
    for (const [i, { length }] of frames.entries()) {
      if (length > 0) into.set(page.tasks[i]!.id, all.slice(at, at + length));
      at += length;
    }
  }

  /** Asks the inspector about names only where a generator has none: for each generator that takes longer than the rest of the look. */
  async #describe(frames: readonly FrameSnapshot[], locals: boolean): Promise<readonly GeneratorDetails[]> {
    if (!locals && frames.every(({ name }) => name !== '')) {
      return frames.map(({ name }) => ({ name, place: null, locals: null }));
    }
    const generators = locals ? this.#places! : this.#names;
    return await this.#guard(generators.describe(`${this.#user}.generators()`, locals));
  }

  /** Counts the steps of tasks from now on. */
  async count(): Promise<void> {
    await this.#call('count()');
  }

  /** Cancels a task; returns false when it has ended. */
  async cancel(id: number, message: string): Promise<boolean> {
    return await this.#call<boolean>(`cancel(${id}, ${JSON.stringify(message)})`);
  }

  /** Ends the look: what was installed is removed, and the last tool closes the inspector that a tool has opened. */
  async detach(): Promise<void> {
    try {
      // A process in the middle of native code does not answer; it drops the tool later, because that says nothing any more.
      const isLast = await Promise.race([this.#call<boolean>('leave()'), delay(LEAVING_MS, false, { ref: false })]);
      if (isLast) await closeFromInside(this.#inspector, this.#token);
    } catch (error) {
      if (!(error instanceof AttachError)) throw error; // it has ended, and with it all that was installed
    } finally {
      this.#inspector.close();
    }
  }

  /** This tool's part inside the process. */
  get #user(): string {
    return `globalThis[Symbol.for('asyncio-ts.tools')]?.users.get(${JSON.stringify(this.#token)})`;
  }

  /** Calls a function of this tool's part inside the process. */
  async #call<T>(call: string): Promise<T> {
    const text = await this.#evaluate(
      `${this.#user} === undefined ? '' : JSON.stringify(${this.#user}.${call}) ?? 'null'`,
    );
    if (text !== '') return JSON.parse(text) as T;
    throw new AttachError(
      `process ${this.pid} has not heard of this tool for ${LEASE} s, and has dropped it: start it again`,
    );
  }

  async #evaluate(expression: string): Promise<string> {
    const { value } = await this.#guard(this.#inspector.evaluate(expression, { returnByValue: true }));
    return String(value);
  }

  /** What fails because the process has ended is told so. */
  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      // A process that ends waits for those that are connected to its inspector, so it is alive still.
      if (error instanceof ContextGone) throw hasEnded(this.pid, error);
      if (!this.#inspector.isClosed) throw error;
      checkAlive(this.pid);
      throw new AttachError(`process ${this.pid} has closed its inspector while it was looked at`, {
        isPassing: true,
        cause: error,
      });
    }
  }
}

const PAGE_SIZE = 500;

function checkAlive(pid: number): void {
  try {
    checkProcess(pid);
  } catch (error) {
    throw hasEnded(pid, error);
  }
}

function hasEnded(pid: number, cause: unknown): AttachError {
  return new AttachError(`process ${pid} has ended while it was looked at`, { cause });
}
