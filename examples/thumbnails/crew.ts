// Workers on this machine, as child processes. On others, something else starts them: systemd, a container, a person.

import path from 'node:path';
import process from 'node:process';
import { gather } from 'asyncio-ts';
import { createSubprocessExec, PIPE, type Process } from 'asyncio-ts/node';

const WORKER = path.join(import.meta.dirname, 'worker.ts');

/** Some workers. Leaving `await using crew` drains and ends them. */
export class Crew implements AsyncDisposable {
  readonly #workers: Process[];

  private constructor(workers: Process[]) {
    this.#workers = workers;
  }

  /** Starts so many, and waits until they serve. */
  static async start(count: number, address: string): Promise<Crew> {
    const starts = Array.from({ length: count }, () => start(address));
    return new Crew(await gather(...starts));
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
    if (!line.startsWith('ready')) throw new Error('a worker has ended before it was ready');
    return worker;
  } catch (error) {
    await worker.stop();
    throw error;
  }
}
