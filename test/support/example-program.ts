import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Event, Future } from 'asyncio-ts';
import { fromSource } from './processes.ts';

/** An example that runs as a process of its own, on the sources. */
export class ExampleProgram implements AsyncDisposable {
  /** What it has written. */
  readonly lines: string[] = [];
  errors = '';
  readonly #child: ChildProcess;
  readonly #ended = new Future<number | null>();
  readonly #changed = new Event();

  /** @param file in the folder of the examples */
  constructor(file: string, ...args: readonly string[]) {
    const main = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));
    const child = spawn(process.execPath, ['--import', fromSource, main, ...args], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#changed.set();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    child.on('close', (code) => {
      this.#ended.setResult(code);
      this.#changed.set();
    });
    this.#child = child;
  }

  /** Waits for a line that it writes, or has written. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      if (this.#ended.done())
        throw new Error(`it has ended without writing ${pattern}: ${this.lines.join('\n')}\n${this.errors}`);
      this.#changed.clear();
      await this.#changed.wait();
    }
  }

  /** The port that it says it listens on. */
  async port(): Promise<number> {
    const [, port] = await this.line(/^listening on .*:(\d+)$/);
    return Number(port);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** Waits for its end; gives its exit code. */
  async ended(): Promise<number | null> {
    return await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
