import { constants, userInfo } from 'node:os';
import process from 'node:process';
import { TaskGraph } from '../../inspect/task-tree.ts';
import { AttachError } from '../attach/attach-error.ts';
import { Interruption, unlessAborted } from '../attach/interruption.ts';
import { Target } from '../attach/target.ts';
import { SUCCESS } from '../exit-codes.ts';
import type { LookCommand } from '../look-arguments.ts';
import { cyclesText } from '../ps/task-text.ts';
import type { Key } from '../terminal/key.ts';
import { Screen } from '../terminal/screen.ts';
import { UsageError } from '../usage-error.ts';
import { render } from './render.ts';
import { type Action, initialState, press, type TopState, withLook, withSize } from './top-state.ts';

/**
 * `asyncio top PID`: the tasks of a process live.
 *
 * @returns the exit code
 * @throws {UsageError} when there is no terminal
 * @throws {AttachError} when the process cannot be looked at, or ends
 * @throws {Interrupted} when a signal ends it before anything is shown; the process has been left before
 */
export async function top(command: LookCommand): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError(`top: needs a terminal to draw in: write asyncio ps ${command.pid} to print the tasks once`);
  const interruption = new Interruption();
  const { signal } = interruption;
  try {
    const target = await Target.attach(command.pid, signal);
    try {
      await unlessAborted(target.count(), signal);
      interruption.end(); // from here on the screen takes the signals
      return await new Top(target, command).show();
    } finally {
      await target.detach();
    }
  } finally {
    interruption.end();
  }
}

/** One `asyncio top` while it is shown. */
class Top {
  readonly #target: Target;
  readonly #command: LookCommand;
  readonly #screen = new Screen();
  #state: TopState;
  /** Ends the pause between two looks. */
  #wake: () => void = () => {};
  #code: number | null = null;

  constructor(target: Target, command: LookCommand) {
    this.#target = target;
    this.#command = command;
    const { columns, lines } = this.#screen.size;
    this.#state = initialState(command.pid, command.write, columns, lines);
  }

  async show(): Promise<number> {
    this.#screen.open(
      (key) => this.#press(key),
      () => this.#resize(),
      (signal) => this.#end(128 + constants.signals[signal]),
    );
    try {
      this.#draw();
      while (this.#code === null) {
        const began = performance.now();
        // While it is paused too: it tells the process that this tool is still there.
        const look = await this.#target.look({ limit: this.#command.limit });
        if (!this.#state.isPaused) this.#show(withLook(this.#state, look, cyclesText(new TaskGraph(look.tasks))));
        // Where a look takes long, looks are rarer: the process has other work to do.
        await this.#pause(Math.max(this.#command.interval * 1_000, (performance.now() - began) * 5));
      }
      return this.#code;
    } catch (error) {
      if (this.#code !== null && error instanceof AttachError) return this.#code;
      throw error;
    } finally {
      this.#screen.close();
    }
  }

  #show(state: TopState): void {
    this.#state = state;
    this.#draw();
  }

  #draw(): void {
    this.#screen.draw(render(this.#state));
  }

  #press(key: Key): void {
    const { state, action } = press(this.#state, key);
    const goesOn = this.#state.isPaused && !state.isPaused;
    this.#show(state);
    this.#do(action);
    if (goesOn) this.#wake();
  }

  #do(action: Action): void {
    if (action?.kind === 'quit') this.#end(SUCCESS);
    if (action?.kind === 'cancel') void this.#cancel(action.id);
  }

  async #cancel(id: number): Promise<void> {
    try {
      const isThere = await this.#target.cancel(id, whoCancels());
      this.#show({ ...this.#state, message: isThere ? 'its cancellation is requested' : 'it has ended already' });
      this.#wake();
    } catch (error) {
      if (!(error instanceof AttachError)) throw error; // the next look tells that the process has ended
    }
  }

  #resize(): void {
    const { columns, lines } = this.#screen.size;
    this.#show(withSize(this.#state, columns, lines));
  }

  #end(code: number): void {
    this.#code ??= code;
    this.#wake();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The message of the cancellation: who has asked for it. */
function whoCancels(): string {
  let user = '';
  try {
    user = `, user ${userInfo().username}`;
  } catch {
    // a user without a name, as in some containers
  }
  return `cancelled by asyncio top (process ${process.pid}${user})`;
}
