// What a call of a function on another machine costs, beside the bare engine and a pool of threads.
//
//     npm run build && node bench/distributed.ts              # redis, postgres and nats, as far as they are installed
//     node bench/distributed.ts redis --calls 5000 --rounds 15
//     node bench/distributed.ts nats --profile /tmp/profiles   # writes profiles of the client and of both workers
//
// In each round every contender has its turn, in another order each time. Figures are medians of the rounds, ratios are medians of the ratios
// within a round, which depend least on what else the machine does; beside them are their quartiles. The goals: at most 1.15 of the bare
// engine's time for one call at a time, at least 0.9 of its calls a second with 1 and with 100 in flight.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { run, wrapPromise } from 'asyncio-ts';
import { bullmq, DistributedExecutor, moduleFunctions, serve } from 'asyncio-ts/bullmq';
import { nats } from 'asyncio-ts/nats';
import { createPostgresBackend, Queue, QueueEvents, Worker } from 'bullmq';
import { Piscina } from 'piscina';
import { Missing } from '../test/peers/lib/checks.ts';
import { Servers } from '../test/recipes/lib/servers.ts';

const QUEUE = 'bench';
const CONCURRENCY = 100;
/** After so many milliseconds the event of a bare call counts as lost; the executor looks up what is outstanding as often. */
const LOST = 1_000;

type Call = (n: number) => PromiseLike<unknown>;

/** The function that all run, in their ways. */
export function double(n: number): number {
  return n * 2;
}

interface Contender {
  readonly name: string;
  readonly call: Call;
  /** Results whose event did not come. */
  readonly lost?: { count: number };
  close(): PromiseLike<unknown>;
}

type Kind = 'redis' | 'postgres' | 'nats';

const KINDS: readonly Kind[] = ['redis', 'postgres', 'nats'];

function engineOf(kind: Kind, address: string) {
  if (kind === 'nats') return nats(address);
  return bullmq(kind === 'redis' ? { connection: address } : { postgres: address });
}

function bareOptions(kind: Kind, address: string) {
  return kind === 'redis'
    ? ([{ connection: { url: address } }] as const)
    : ([{ connection: { connectionString: address, migrate: true } }, createPostgresBackend] as const);
}

/** Of this process, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** In a process of its own: `--worker ours|bare KIND ADDRESS`. */
async function work(which: string, kind: Kind, address: string): Promise<void> {
  process.stdin.on('data', () => console.log(processorTime())).unref();
  if (which === 'ours') {
    const engine = engineOf(kind, address);
    const onReady = (): void => console.log('ready');
    await run(() => serve({ double }, { engine, queue: `${QUEUE}-ours`, concurrency: CONCURRENCY, onReady }));
    return;
  }
  if (kind === 'nats') {
    const connection = await connect({ servers: address });
    connection.subscribe(`${QUEUE}.bare`, {
      queue: 'workers',
      callback: (_error, message) => {
        message.respond(JSON.stringify(double(message.json<{ n: number }>().n)));
      },
    });
    await connection.flush();
    console.log('ready');
    process.once('SIGTERM', () => void connection.close().then(() => process.exit()));
    return;
  }
  const [options, backend] = bareOptions(kind, address);
  const processor = async (job: { readonly data: { readonly n: number } }): Promise<number> => double(job.data.n);
  const worker = new Worker(
    `${QUEUE}-bare`,
    processor as never,
    { ...options, concurrency: CONCURRENCY } as never,
    backend as never,
  );
  await worker.waitUntilReady();
  console.log('ready');
  process.once('SIGTERM', () => void worker.close().then(() => process.exit()));
}

interface WorkerProcess {
  /** The milliseconds of processor time that it has used. */
  processor(): Promise<number>;
  stop(): Promise<void>;
}

async function startWorker(
  which: string,
  kind: Kind,
  address: string,
  profiles: string | undefined,
): Promise<WorkerProcess> {
  const profiling =
    profiles === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${kind}-${which}.cpuprofile`];
  const args = [...profiling, import.meta.filename, '--worker', which, kind, address];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await wrapPromise(once(child.stdout, 'data'));
  return {
    processor: async () => {
      child.stdin.write('?');
      const [answer] = await wrapPromise(once(child.stdout, 'data'));
      return Number(answer);
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await wrapPromise(once(child, 'exit'));
    },
  };
}

function ours(kind: Kind, address: string): Contender {
  const engine = engineOf(kind, address);
  const pool = new DistributedExecutor({ engine, queue: `${QUEUE}-ours` });
  const functions = moduleFunctions<{ double(n: number): number }>('bench:distributed');
  return { name: 'asyncio-ts', call: (n) => pool.submit(functions.double, n), close: () => pool.shutdown() };
}

function bareNats(address: string): Contender {
  const connecting = connect({ servers: address });
  return {
    name: 'bare nats',
    call: async (n) => {
      const connection = await connecting;
      const message = await connection.request(`${QUEUE}.bare`, JSON.stringify({ n }), { timeout: 10_000 });
      return message.json();
    },
    close: async () => await (await connecting).close(),
  };
}

function bare(kind: Kind, address: string): Contender {
  if (kind === 'nats') return bareNats(address);
  const [options, backend] = bareOptions(kind, address);
  const queue = new Queue(`${QUEUE}-bare`, options as never, backend as never);
  const events = new QueueEvents(`${QUEUE}-bare`, options as never, backend as never);
  queue.setMaxListeners(0);
  const lost = { count: 0 };
  const ready = Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  return {
    name: `bare bullmq`,
    call: async (n) => {
      await ready;
      const job = await queue.add('double', { n }, { removeOnComplete: { age: 3_600 } });
      for (;;) {
        try {
          return await job.waitUntilFinished(events, LOST);
        } catch (error) {
          if (!/timed out/.test(String(error))) throw error;
          lost.count++; // it asks for the result before it waits, so the next one has it
        }
      }
    },
    lost,
    close: async () => {
      await events.close();
      await queue.close();
    },
  };
}

function threads(): Contender {
  const pool = new Piscina({ filename: import.meta.filename, name: 'double', minThreads: 2, maxThreads: 2 });
  return { name: 'piscina (threads)', call: (n) => pool.run(n), close: () => pool.destroy() };
}

/** What is measured in one round. */
interface Sample {
  /** In milliseconds: the median of calls that are made one after the other. */
  readonly latency: number;
  /** Calls a second, one after the other. */
  readonly single: number;
  /** Calls a second, with 100 in flight. */
  readonly many: number;
  /** Milliseconds of processor time for a call, of the client and its worker, with 100 in flight. */
  readonly processor: number;
}

async function sample(contender: Contender, worker: WorkerProcess | undefined, calls: number): Promise<Sample> {
  const used = async (): Promise<number> => processorTime() + ((await worker?.processor()) ?? 0);
  const times: number[] = [];
  const single = await timed(contender, 1, Math.ceil(calls / 10), (time) => times.push(time));
  const before = await used();
  const many = await timed(contender, 100, calls, () => {});
  return { latency: median(times), single, many, processor: ((await used()) - before) / calls };
}

/** Returns the calls a second. */
async function timed({ call }: Contender, lanes: number, calls: number, tell: (time: number) => void): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const n = next++;
      const sent = performance.now();
      const result = await call(n);
      tell(performance.now() - sent);
      if (result !== n * 2) throw new Error(`double(${n}) gave ${String(result)}`);
    }
  };
  const began = performance.now();
  await wrapPromise(Promise.all(Array.from({ length: lanes }, lane)));
  return calls / ((performance.now() - began) / 1_000);
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

/** The median of ratios, and their quartiles. */
function spread(values: readonly number[]): string {
  const [low, mid, high] = [0.25, 0.5, 0.75].map((part) => quantile(values, part).toFixed(2));
  return `${mid} (${low}–${high})`;
}

async function measure(kind: Kind, servers: Servers, { calls, rounds, profiles }: Settings): Promise<void> {
  const { port } = await servers[kind]();
  const address = {
    redis: `redis://127.0.0.1:${port}`,
    postgres: `postgres://postgres@127.0.0.1:${port}/postgres`,
    nats: `nats://127.0.0.1:${port}`,
  }[kind];
  const workers = [
    await startWorker('ours', kind, address, profiles),
    await startWorker('bare', kind, address, profiles),
  ];
  const contenders = [ours(kind, address), bare(kind, address), threads()];
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (const [i, contender] of contenders.entries()) await sample(contender, workers[i], 500);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const turn = (i + round) % contenders.length;
      const contender = contenders[turn]!;
      samples.get(contender.name)!.push(await sample(contender, workers[turn], calls));
    }
  }
  const base = samples.get(contenders[1]!.name)!;
  console.log(`\n${kind}: ${rounds} rounds of ${calls} calls`);
  console.log(
    `  ${''.padEnd(18)} ${['one call', 'calls/s, 1', 'calls/s, 100', 'processor'].map((head) => head.padStart(13)).join('')}`,
  );
  for (const [name, own] of samples) {
    const figure = (of: keyof Sample): number => median(own.map((one) => one[of]));
    const figures = [
      `${figure('latency').toFixed(3)} ms`,
      figure('single').toFixed(0),
      figure('many').toFixed(0),
      `${figure('processor').toFixed(3)} ms`,
    ];
    const lost = contenders.find((contender) => contender.name === name)?.lost?.count ?? 0;
    console.log(
      `  ${name.padEnd(18)} ${figures.map((text) => text.padStart(13)).join('')}${lost === 0 ? '' : `  ${lost} events lost`}`,
    );
  }
  const own = samples.get(contenders[0]!.name)!;
  const ratios = (of: keyof Sample): string => spread(own.map((one, round) => one[of] / base[round]![of]));
  console.log(
    `  to the bare engine: latency ${ratios('latency')}, calls with 1 ${ratios('single')}, with 100 ${ratios('many')}, processor ${ratios('processor')}`,
  );
  for (const contender of contenders) await contender.close();
  for (const worker of workers) await worker.stop();
}

interface Settings {
  readonly calls: number;
  readonly rounds: number;
  /** A folder for profiles. */
  readonly profiles: string | undefined;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      calls: { type: 'string', default: '2000' },
      rounds: { type: 'string', default: '9' },
      profile: { type: 'string' },
      worker: { type: 'boolean', default: false },
    },
  });
  if (values.worker) return await work(positionals[0]!, positionals[1] as Kind, positionals[2]!);
  const settings = { calls: Number(values.calls), rounds: Number(values.rounds), profiles: values.profile };
  const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-bench-'));
  await run(async () => {
    await using servers = new Servers(folder);
    for (const kind of (positionals.length === 0 ? KINDS : positionals) as Kind[]) {
      try {
        await measure(kind, servers, settings);
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        console.warn(`SKIPPED: ${kind}: ${error.message}`);
      }
    }
  });
  rmSync(folder, { recursive: true, force: true });
}

if (process.argv[1] === import.meta.filename) await main();
