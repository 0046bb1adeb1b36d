// Workers on this machine, as child processes. On others, something else starts them: systemd, a container, a person.

import path from 'node:path';
import process from 'node:process';
import { ExceptionGroup, gather, taskGroup } from 'asyncio-ts';
import { createSubprocessExec, PIPE, type Process } from 'asyncio-ts/node';

const WORKER = path.join(import.meta.dirname, 'worker.ts');

/** Some workers. Leaving `await using crew` drains and ends them. */
export class Crew implements AsyncDisposable {
  readonly #workers: Process[] = [];

  /** Starts so many, and waits until they serve. When one cannot, none is left. */
  static async start(count: number, address: string): Promise<Crew> {
    const crew = new Crew();
    try {
      await taskGroup(async (group) => {
        const startOne = async (): Promise<void> => {
          crew.#workers.push(await start(address));
        };
        for (let n = 0; n < count; n++) group.createTask(startOne);
      });
      return crew;
    } catch (error) {
      await crew[Symbol.asyncDispose]();
      throw error instanceof ExceptionGroup ? error.errors[0] : error;
    }
  }

  /** Ends one as a machine ends whose power is cut. */
  killOne(): number | undefined {
    const victim = this.#workers.shift();
    victim?.kill();
    return victim?.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await gather(...this.#workers.map(async (worker) => await worker.stop()));
  }
}

async function start(address: string): Promise<Process> {
  const args = [...process.execArgv, WORKER, address];
  const worker = await createSubprocessExec(process.execPath, ...args, { stdout: PIPE, gracePeriod: 5 });
  try {
    const line = new TextDecoder().decode(await worker.stdout?.readline());
    // What it complains about is on the terminal.
    if (!line.startsWith('ready')) throw new Error(`no worker could be started for ${address}`);
    return worker;
  } catch (error) {
    await worker.stop();
    throw error;
  }
}
