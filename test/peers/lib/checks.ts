import { inspect } from 'node:util';
import { type CoroutineFunction, getRunningLoop, timeout } from 'asyncio-ts';
import type { PeersReport } from './report.ts';

/** How long a check may take, in seconds. */
const TIME_LIMIT = 90;

/** Thrown by a peer that cannot be had. The message says what to do. */
export class Missing extends Error {}

/** Runs checks, and prints a line for each. */
export class Checks {
  readonly report: PeersReport = { passed: 0, failed: 0, skipped: [] };
  /** A folder for sockets, keys and the like. */
  readonly folder: string;
  readonly #only = process.env['PEERS_ONLY'];
  #peer = '';
  /** The reports to the loop while the check ran: no failure may go unnoticed. */
  #unexpected: unknown[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs the checks of a peer. */
  async of(peer: string, run: (checks: Checks) => Promise<void>): Promise<void> {
    this.#peer = peer;
    getRunningLoop().setExceptionHandler((_loop, context) => this.#unexpected.push(context));
    const began = performance.now();
    try {
      await run(this);
    } catch (error) {
      if (error instanceof Missing) this.skip(error.message);
      else this.#print('setting up', error, (performance.now() - began) / 1_000);
    }
  }

  readonly check = async (name: string, body: CoroutineFunction<unknown>): Promise<void> => {
    if (this.#only !== undefined && !name.includes(this.#only)) return;
    const began = performance.now();
    let failure: unknown = null;
    this.#unexpected = [];
    try {
      await timeout(TIME_LIMIT, body);
    } catch (error) {
      failure = error;
    }
    if (failure === null && this.#unexpected.length > 0) failure = this.#unexpected;
    this.#print(name, failure, (performance.now() - began) / 1_000);
  };

  /** Takes the reports to the loop, for checks that make something fail. */
  takeReported(): unknown[] {
    return this.#unexpected.splice(0);
  }

  skip(why: string): void {
    this.report.skipped.push(`${this.#peer}: ${why}`);
  }

  #print(name: string, failure: unknown, seconds: number): void {
    const { Bun, Deno } = globalThis as { Bun?: { version: string }; Deno?: { version: { deno: string } } };
    const runtime = Bun ? `bun ${Bun.version}` : Deno ? `deno ${Deno.version.deno}` : `node ${process.versions.node}`;
    if (failure === null) this.report.passed++;
    else this.report.failed++;
    const outcome = failure === null ? 'passed' : 'FAILED';
    console.log(`${outcome}  ${runtime.padEnd(14)}${this.#peer.padEnd(13)}${name}  ${seconds.toFixed(2)} s`);
    if (failure !== null) console.log(inspect(failure, { depth: 3 }).replaceAll(/^/gm, '        '));
  }
}
