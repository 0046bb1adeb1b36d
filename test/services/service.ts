import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

export const SERVICES = ['hono', 'express', 'fastify'] as const;
export type ServiceName = (typeof SERVICES)[number];

const PAUSE = 20;

/** What `/status` tells. */
export interface Status {
  readonly tasks: readonly string[];
  readonly connections: { readonly all: number; readonly idle: number; readonly waiting: number };
  readonly resources: Readonly<Record<string, number>>;
}

/** A service of `examples/services` as a process. */
export class Service {
  readonly base: string;
  /** What it has written, but for its first line. */
  readonly lines: readonly string[];
  readonly #child: ChildProcess;
  readonly #errors: readonly string[];
  readonly #exit: Promise<unknown[]>;

  private constructor(base: string, child: ChildProcess, lines: string[], errors: string[], exit: Promise<unknown[]>) {
    this.base = base;
    this.lines = lines;
    this.#child = child;
    this.#errors = errors;
    this.#exit = exit;
  }

  static async start(name: ServiceName, env: Readonly<Record<string, string>>): Promise<Service> {
    const main = path.join(import.meta.dirname, '../../examples/services', name, 'main.ts');
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, ...env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exit = once(child, 'exit');
    const errors: string[] = [];
    child.stderr!.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    const lines: string[] = [];
    const base = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const [, url] = /^listening on (.*)$/.exec(line) ?? [];
        if (url === undefined) lines.push(line);
        else resolve(url);
      });
      child.once('exit', (code) => reject(new Error(`${name} has ended with ${code}\n${errors.join('')}`)));
    });
    return new Service(base, child, lines, errors, exit);
  }

  /** What it has written to its error output. */
  get errors(): string {
    return this.#errors.join('');
  }

  async status(): Promise<Status> {
    for (;;) {
      // On a connection of its own, which is not among what is counted afterwards.
      const response = await fetch(`${this.base}/status`, { headers: { connection: 'close' } });
      if (response.status === 200) return (await response.json()) as Status;
      // It comes while the queue is full.
      if (response.status !== 503) throw new Error(`/status was answered with ${response.status}`);
      await response.text();
      await setTimeout(PAUSE);
    }
  }

  /** A client that sends this and never reads. */
  deafClient(text: string): Socket {
    const socket = connect(Number(new URL(this.base).port), '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write(text);
    return socket;
  }

  /** Sends SIGTERM; gives the exit code. */
  async terminate(): Promise<unknown> {
    this.#child.kill('SIGTERM');
    const [code, signal] = await this.#exit;
    return code ?? signal;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
