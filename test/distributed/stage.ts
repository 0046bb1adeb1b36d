import type { DistributedExecutor, DistributedExecutorOptions, Engine } from 'asyncio-ts/distributed';

/** A worker, as the checks see it. */
export interface TestWorker {
  /** Ends it in the middle of everything. */
  kill(): Promise<void>;
  /** SIGTERM, or what stands for it; fulfils when it has ended. */
  drain(): Promise<void>;
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
  worker(options?: { readonly concurrency?: number; readonly only?: readonly string[] }): Promise<TestWorker>;
  pool(options?: Partial<DistributedExecutorOptions>): DistributedExecutor;
  /** Makes the store unreachable for a short time. */
  interrupt(): Promise<void>;
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
