import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import process from 'node:process';
import { wrapPromise } from 'asyncio-ts';
import { DistributedExecutor, type DistributedExecutorOptions, type Engine } from 'asyncio-ts/distributed';
import { engineOf } from './engines.ts';
import type { Stage, TestWorker } from './stage.ts';

let stages = 0;
let files = 0;

/** A real store, with workers that are processes. */
export class RealStage implements Stage, AsyncDisposable {
  readonly engine: Engine;
  readonly queue = `work-${process.pid}-${++stages}`;
  readonly lease = 2;
  readonly isFaulty = false;
  readonly #kind: string;
  readonly #address: string;
  readonly #folder: string;
  readonly #interrupt: () => Promise<void>;
  readonly #workers = new Set<ChildProcess>();

  constructor(kind: string, address: string, folder: string, interrupt: () => Promise<void>) {
    this.engine = engineOf(kind, address);
    this.#kind = kind;
    this.#address = address;
    this.#folder = folder;
    this.#interrupt = interrupt;
  }

  file(): string {
    return path.join(this.#folder, `effects-${++files}`);
  }

  async worker({ concurrency = 1 } = {}): Promise<TestWorker> {
    const file = path.join(import.meta.dirname, 'worker.ts');
    const args = [file, this.#kind, this.#address, this.queue, String(concurrency), String(this.lease)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#workers.add(child);
    const ended = once(child, 'exit').then(() => {
      this.#workers.delete(child);
    });
    await wrapPromise(Promise.race([once(child.stdout!, 'data'), ended]));
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await wrapPromise(ended);
    };
    return { kill: () => end('SIGKILL'), drain: () => end('SIGTERM') };
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): DistributedExecutor {
    return new DistributedExecutor({ engine: this.engine, queue: this.queue, ...options });
  }

  interrupt(): Promise<void> {
    return this.#interrupt();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of [...this.#workers]) {
      worker.kill('SIGKILL');
      await wrapPromise(once(worker, 'exit'));
    }
  }
}
