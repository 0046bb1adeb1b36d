import * as asyncio from 'asyncio-ts';

/** A lock, as far as the benchmarks use one. */
export interface LockLike {
  acquire(): asyncio.Awaitable<unknown>;
  release(): void;
}

/** A queue, as far as the benchmarks use one. */
export interface QueueLike<T> {
  put(item: T): asyncio.Awaitable<void>;
  get(): asyncio.Awaitable<T>;
}

const exported: Readonly<Record<string, unknown>> = asyncio;

/** A class that the library may not have yet: its subject says so and is skipped until it does. */
function classOf<C>(name: string): C | null {
  return typeof exported[name] === 'function' ? (exported[name] as C) : null;
}

export const Lock = classOf<new () => LockLike>('Lock');
export const Queue = classOf<new <T>(maxsize: number) => QueueLike<T>>('Queue');

/** Why a subject cannot run, `null` when it can. */
export function missing(name: string, found: unknown): string | null {
  return found === null ? `asyncio-ts exports no ${name} yet` : null;
}

let living: asyncio.EventLoop | null = null;

/** Where workloads are run from now on: by a loop that runs already; `null` for a loop of its own for each run. */
export function runOn(loop: asyncio.EventLoop | null): void {
  living = loop;
}

/** Runs a workload: what all subjects use instead of the library's `run`, so that they can be measured inside a living loop. */
export async function run<T>(main: asyncio.CoroutineFunction<T>): Promise<T> {
  return living === null ? asyncio.run(main) : living.createTask(main);
}
