import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { Engine, ServeReport } from '../../distributed/index.ts';
import { FAILURE, SUCCESS } from '../exit-codes.ts';
import { type LoadedLibrary, libraryOf } from '../library.ts';
import { locate } from '../program.ts';
import { UsageError } from '../usage-error.ts';
import type { Store, WorkerCommand } from './worker-arguments.ts';

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
  const library = await libraryOf(file);
  const { api } = library;
  const serve = present((await library.part('distributed')).serve, library);
  const engine = await engineOf(library, command.store);
  const main = async (): Promise<ServeReport> => {
    const stop = new api.Event();
    const loop = api.getRunningLoop();
    const threads =
      command.threads === null
        ? null
        : new (present((await library.part('node')).ThreadPoolExecutor, library))(command.threads);
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
    const drain = (): void => {
      tell('draining: no more jobs are taken\n');
      stop.set();
    };
    // The first signal drains, the second one does not wait, not even for threads that compute.
    const ask = (): void => {
      if (!stop.isSet()) {
        drain();
        return;
      }
      worker.cancel();
      threads?.terminateWorkers();
    };
    for (const signal of SIGNALS) loop.addSignalHandler(signal, ask);
    const shell = loop.createTask(
      async () => {
        if (!(await hasLostShell(api.sleep)) || stop.isSet()) return;
        tell('npm was ended: ');
        drain();
      },
      { name: 'shell of npm' },
    );
    try {
      return await worker;
    } finally {
      shell.cancel();
      for (const signal of SIGNALS) loop.removeSignalHandler(signal);
      // What still runs there has been given up, and would keep the process.
      await threads?.terminateWorkers();
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

/** In seconds: between two looks whether the shell is still there. */
const LOOK = 0.25;

/**
 * Waits until the shell has ended in which npm has started this process: `npx` passes SIGTERM on to that shell, which ends without passing it on, so
 * that nobody would end the worker.
 *
 * @returns `false`, at once, when npm has not started this process
 */
async function hasLostShell(sleep: (seconds: number) => PromiseLike<unknown>): Promise<boolean> {
  if (process.env['npm_command'] === undefined) return false;
  const { ppid } = process;
  while (process.ppid === ppid) await sleep(LOOK);
  return true;
}

function isUsage(error: unknown): error is Error {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === 'NO_WORK' || code === 'MODULE_NOT_LOADED' || code === 'NO_QUEUE';
}

async function engineOf(library: LoadedLibrary, { engine, url }: Store): Promise<Engine> {
  return engine === 'nats'
    ? present((await library.part('nats')).nats, library)(url)
    : present((await library.part('bullmq')).bullmq, library)({ connection: url });
}

/** What is used of the copy of the library that the file imports, which may be older than this command. */
function present<T>(member: T | undefined, { folder }: LoadedLibrary): T {
  if (member !== undefined) return member;
  throw new UsageError(
    `worker: needs a newer asyncio-ts than that of the file, which is in ${folder}: update that one`,
  );
}
