import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a process of a benchmark answers. */
export interface Answer {
  readonly port?: number;
  readonly ns?: number;
  readonly cpu?: number;
  readonly rss?: number;
  readonly heap?: number;
  readonly tasks?: number;
  readonly sockets?: number;
  readonly timers?: number;
}

/** A process that is given commands, a line each, and answers each with a line of JSON. */
export class CommandedProcess {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#what = [command, ...args].join(' ');
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    this.#child.on('error', (error) => console.error(`${this.#what}: ${error.message}`));
  }

  /** The next line of its output. */
  async answer(): Promise<Answer> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#what} has ended before its answer`);
    return JSON.parse(value) as Answer;
  }

  async ask(command: string): Promise<Answer> {
    this.#child.stdin!.write(`${command}\n`);
    return await this.answer();
  }

  /** Ends it: its input ends. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on('exit', resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin!.end();
    await ended;
  }
}
