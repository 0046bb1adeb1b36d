import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as core from '../../distributed/index.ts';
import type * as natsEntry from '../../nats/index.ts';
import type * as nodeEntry from '../../node/index.ts';
import { FAILURE, SUCCESS } from '../exit-codes.ts';
import { libraryOf } from '../library.ts';
import { locate } from '../program.ts';
import { UsageError } from '../usage-error.ts';
import type { Store, WorkerCommand } from './worker-arguments.ts';

/** The parts of the library that a worker needs, by the names of their folders. */
interface Parts {
  readonly distributed: typeof core;
  readonly nats: typeof natsEntry;
  readonly node: typeof nodeEntry;
  readonly bullmq: { bullmq(options: { readonly connection: string }): core.Engine };
}

/**
 * Serves the functions of a file until a signal comes.
 *
 * @param tell shows a text to the user
 * @param complain the same for errors
 * @returns the exit code
 * @throws {UsageError} when the file has nothing to serve
 */
export async function runWorker(
  command: WorkerCommand,
  tell: (text: string) => void,
  complain: (text: string) => void,
): Promise<number> {
  const file = locate(command.file);
  const { api } = await libraryOf(file);
  const { serve } = await partOf(file, 'distributed');
  const engine = await engineOf(file, command.store);
  const main = async (): Promise<core.ServeReport> => {
    const stop = new api.Event();
    const loop = api.getRunningLoop();
    await using threads =
      command.threads === null ? null : new (await partOf(file, 'node')).ThreadPoolExecutor(command.threads);
    const worker = loop.createTask(
      () =>
        serve(pathToFileURL(file), {
          engine,
          queue: command.queue,
          concurrency: command.concurrency ?? command.threads ?? 1,
          module: command.name ?? undefined,
          executor: threads ?? undefined,
          signals: [],
          stop,
          onReady: (name) => tell(`${name} serves the queue '${command.queue}' over ${engine.name}\n`),
        }),
      { name: 'serve' },
    );
    // The first signal drains, the second one does not wait.
    const ask = (): void => {
      if (stop.isSet()) worker.cancel();
      else tell('draining: no more jobs are taken\n');
      stop.set();
    };
    for (const signal of SIGNALS) loop.addSignalHandler(signal, ask);
    try {
      return await worker;
    } finally {
      for (const signal of SIGNALS) loop.removeSignalHandler(signal);
    }
  };
  try {
    const { worker, finished, abandoned } = await api.run(main, { signals: [] });
    tell(
      `${worker} has ended after ${finished} ${finished === 1 ? 'job' : 'jobs'}${abandoned.length > 0 ? `, without ${abandoned.join(', ')}` : ''}\n`,
    );
    return SUCCESS;
  } catch (error) {
    if (error instanceof api.CancelledError) {
      tell('jobs that ran were cancelled\n');
      return SUCCESS;
    }
    if (isUsage(error)) throw new UsageError(`worker: ${error.message}`);
    complain(`asyncio: worker: ${error instanceof Error ? error.message : String(error)}\n`);
    return FAILURE;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function isUsage(error: unknown): error is Error {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === 'NO_WORK' || code === 'MODULE_NOT_LOADED' || code === 'NO_QUEUE';
}

async function engineOf(file: string, { engine, url }: Store): Promise<core.Engine> {
  return engine === 'nats'
    ? (await partOf(file, 'nats')).nats(url)
    : (await partOf(file, 'bullmq')).bullmq({ connection: url });
}

/** A part of the copy of the library that the file imports, as in `libraryOf`; otherwise of the command's own. */
async function partOf<P extends keyof Parts>(file: string, part: P): Promise<Parts[P]> {
  const extension = path.extname(import.meta.url);
  const own = new URL(`../../${part}/index${extension}`, import.meta.url).href;
  return (await import(resolveFrom(file, part) ?? own)) as Parts[P];
}

function resolveFrom(file: string, part: string): string | null {
  try {
    return pathToFileURL(realpathSync(createRequire(file).resolve(`asyncio-ts/${part}`))).href;
  } catch {
    return null; // a file that does not import the library
  }
}
