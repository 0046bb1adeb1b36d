import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { wrapPromise } from 'asyncio-ts';
import { DistributedExecutor, type DistributedExecutorOptions, type Engine } from 'asyncio-ts/distributed';
import type { RestartOptions } from '../recipes/lib/servers.ts';
import { engineOf } from './engines.ts';
import type { TestDoor, TestServer } from './servers.ts';
import type { ClientPlan, Stage, TestClient, TestWorker } from './stage.ts';

let stages = 0;
let files = 0;

/** Where a stage is played. */
export interface RealPlace {
  /** Of the store, as in `KINDS`. */
  readonly kind: string;
  readonly server: TestServer;
  /** For files. */
  readonly folder: string;
  /** Whether every other worker, and the clients that are killed, are at the store itself, not at its door: what restarts it needs both. */
  readonly isMixed?: boolean;
}

/** A process of a stage. */
interface Child {
  readonly process: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<void>;
  /** Whether it is to go on: its end is an accident. */
  isWanted: boolean;
}

/** A real store, with workers that are processes. */
export class RealStage implements Stage, AsyncDisposable {
  readonly engine: Engine;
  readonly queue = `work-${process.pid}-${++stages}`;
  readonly lease = 2;
  readonly isFaulty = false;
  readonly #place: RealPlace;
  readonly #door: TestDoor;
  readonly #children = new Set<Child>();
  /** Ends of processes that nobody wanted. */
  readonly #accidents: string[] = [];
  #workers = 0;

  private constructor(place: RealPlace, door: TestDoor) {
    this.engine = engineOf(place.kind, door.address);
    this.#place = place;
    this.#door = door;
  }

  static async open(place: RealPlace): Promise<RealStage> {
    return new RealStage(place, await place.server.door());
  }

  file(): string {
    return path.join(this.#place.folder, `effects-${++files}`);
  }

  async worker({ concurrency = 1 } = {}): Promise<TestWorker> {
    const { kind, server, isMixed = false } = this.#place;
    const address = isMixed && this.#workers++ % 2 === 0 ? server.address : this.#door.address;
    const child = await this.#start('worker.ts', kind, address, this.queue, String(concurrency), String(this.lease));
    return {
      place: String(child.process.pid),
      kill: () => this.#end(child, 'SIGKILL'),
      drain: async () => {
        await this.#end(child, 'SIGTERM');
        const { exitCode, signalCode } = child.process;
        if (exitCode !== 0) throw new Error(`a worker that was drained has ended with ${exitCode ?? signalCode}`);
      },
    };
  }

  async client(plan: ClientPlan): Promise<TestClient> {
    const { kind, server } = this.#place;
    const child = await this.#start('client.ts', kind, server.address, this.queue, JSON.stringify(plan));
    return { ids: (await wrapPromise(child.firstLine)).split(' '), kill: () => this.#end(child, 'SIGKILL') };
  }

  /** Fulfils when it has written its first line. */
  async #start(file: string, ...args: readonly string[]): Promise<Child> {
    const child = this.#spawn([path.join(import.meta.dirname, file), ...args]);
    let isReady = false;
    child.firstLine.then(
      () => {
        isReady = true;
      },
      () => {},
    );
    await wrapPromise(Promise.race([child.firstLine.catch(() => {}), child.ended]));
    if (!isReady) throw new Error(`${file} has ended before it was ready`);
    child.isWanted = true;
    return child;
  }

  #spawn(args: readonly string[]): Child {
    const spawned = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const child: Child = {
      process: spawned,
      firstLine: once(createInterface({ input: spawned.stdout! }), 'line').then(([line]) => String(line)),
      ended: once(spawned, 'exit').then(([code, signal]) => {
        this.#children.delete(child);
        if (child.isWanted) this.#accidents.push(`${path.basename(args[0]!)} (${spawned.pid}) with ${signal ?? code}`);
      }),
      isWanted: false,
    };
    this.#children.add(child);
    return child;
  }

  async #end(child: Child, signal: NodeJS.Signals): Promise<void> {
    child.isWanted = false;
    child.process.kill(signal);
    await wrapPromise(child.ended);
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): DistributedExecutor {
    return new DistributedExecutor({ engine: this.engine, queue: this.queue, ...options });
  }

  interrupt(): Promise<void> {
    return this.#door.interrupt();
  }

  restart(options: RestartOptions): Promise<void> {
    return this.#place.server.restart(options);
  }

  check(): void {
    if (this.#accidents.length > 0)
      throw new Error(`processes have ended by themselves: ${this.#accidents.join(', ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.#children]) await this.#end(child, 'SIGKILL');
  }
}
