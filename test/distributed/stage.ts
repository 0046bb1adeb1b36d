import type { DistributedExecutor, DistributedExecutorOptions, Engine } from 'asyncio-ts/distributed';
import type { RestartOptions } from '../recipes/lib/servers.ts';

/** A worker, as the checks see it. */
export interface TestWorker {
  /** What its functions write of it, see `stormyOf`. */
  readonly place: string;
  /** Ends it in the middle of everything. */
  kill(): Promise<void>;
  /** SIGTERM, or what stands for it; fulfils when it has ended in order. */
  drain(): Promise<void>;
}

/** What a client that is to be killed submits. */
export interface ClientPlan {
  /** Where its functions write. */
  readonly file: string;
  /** Its lease, in seconds. */
  readonly lease: number;
  readonly jobs: readonly ClientJob[];
}

/** A job of a client that is to be killed: a call of `stormy`. */
export interface ClientJob {
  readonly name: string;
  readonly seconds: number;
  readonly retries: number;
  /** Whether it ends with its client. */
  readonly isTied: boolean;
}

/** A client that is to be killed. */
export interface TestClient {
  /** The ids of its jobs, in order. */
  readonly ids: readonly string[];
  /** Ends it in the middle of everything. */
  kill(): Promise<void>;
}

/** Where the promises are checked: one engine with its workers. */
export interface Stage {
  readonly engine: Engine;
  /** A name that no other check uses. */
  readonly queue: string;
  /** The lease of its workers, in seconds. */
  readonly lease: number;
  /** Whether messages between machines are lost or late here. */
  readonly isFaulty: boolean;
  /** A new file for lines of effects. */
  file(): string;
  /** @throws {Error} when it ends before it takes jobs, which a storm can be the reason of */
  worker(options?: { readonly concurrency?: number }): Promise<TestWorker>;
  pool(options?: Partial<DistributedExecutorOptions>): DistributedExecutor;
  /** A client of its own, which has submitted its jobs. */
  client(plan: ClientPlan): Promise<TestClient>;
  /** Makes the store unreachable for a short time, for some of those that use it. */
  interrupt(): Promise<void>;
  /** Ends the store, and starts it again with what it has kept. */
  restart(options: RestartOptions): Promise<void>;
  /** Fails when a process has ended that nobody has ended. */
  check(): void;
}

/** A promise of the contract. */
export interface Promised {
  readonly title: string;
  /** Whether it says something only about engines that keep jobs. */
  readonly durable?: boolean;
  /** Whether it needs progress. */
  readonly progress?: boolean;
  /** Whether its workers must be processes of their own. */
  readonly processes?: boolean;
  check(stage: Stage): Promise<void>;
}
