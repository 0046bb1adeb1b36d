// What a call of a function on another machine costs, beside the bare engine and a pool of threads.
//
//     npm run build && node bench/distributed.ts              # redis, postgres and nats, as far as they are installed
//     node bench/distributed.ts redis --calls 5000 --rounds 7
//
// In each round every contender has its turn, in another order each time; the figures are medians of the rounds. Latency is of one call at
// a time, the calls a second are with 100 in flight. The goals: at most 1.15 of the bare engine's latency, at least 0.9 of its calls a second.
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

type Call = (n: number) => PromiseLike<unknown>;

/** The function that all run, in their ways. */
export function double(n: number): number {
  return n * 2;
}

interface Contender {
  readonly name: string;
  readonly call: Call;
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

/** In a process of its own: `--worker ours|bare KIND ADDRESS`. */
async function work(which: string, kind: Kind, address: string): Promise<void> {
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

async function startWorker(which: string, kind: Kind, address: string): Promise<{ stop(): Promise<void> }> {
  const args = [import.meta.filename, '--worker', which, kind, address];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await wrapPromise(once(child.stdout, 'data'));
  return {
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
  const ready = Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  return {
    name: `bare bullmq`,
    call: async (n) => {
      await ready;
      const job = await queue.add('double', { n }, { removeOnComplete: { age: 3_600 } });
      return await job.waitUntilFinished(events);
    },
    close: async () => {
      await events.close();
      await queue.close();
    },
  };
}

function threads(): Contender {
  const pool = new Piscina({ filename: import.meta.filename, name: 'double', maxThreads: 2 });
  return { name: 'piscina (threads)', call: (n) => pool.run(n), close: () => pool.destroy() };
}

/** In milliseconds: the median of single calls. */
async function latency({ call }: Contender, calls: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < calls; n++) {
    const began = performance.now();
    await call(n);
    times.push(performance.now() - began);
  }
  return median(times);
}

/** Calls a second, with 100 in flight. */
async function throughput({ call }: Contender, calls: number): Promise<number> {
  let next = 0;
  const began = performance.now();
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const n = next++;
      const result = await call(n);
      if (result !== n * 2) throw new Error(`double(${n}) gave ${String(result)}`);
    }
  };
  await wrapPromise(Promise.all(Array.from({ length: 100 }, lane)));
  return calls / ((performance.now() - began) / 1_000);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function measure(kind: Kind, servers: Servers, calls: number, rounds: number): Promise<void> {
  const { port } = await servers[kind]();
  const address = {
    redis: `redis://127.0.0.1:${port}`,
    postgres: `postgres://postgres@127.0.0.1:${port}/postgres`,
    nats: `nats://127.0.0.1:${port}`,
  }[kind];
  const workers = [await startWorker('bare', kind, address), await startWorker('ours', kind, address)];
  const contenders = [ours(kind, address), bare(kind, address), threads()];
  const figures = new Map(
    contenders.map(({ name }) => [name, { latency: [] as number[], throughput: [] as number[] }]),
  );
  for (const contender of contenders) await throughput(contender, 500);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length]!;
      const { latency: single, throughput: many } = figures.get(contender.name)!;
      single.push(await latency(contender, Math.ceil(calls / 10)));
      many.push(await throughput(contender, calls));
    }
  }
  const base = figures.get(contenders[1]!.name)!;
  console.log(`\n${kind}: ${rounds} rounds of ${calls} calls`);
  for (const [name, { latency: single, throughput: many }] of figures) {
    const [l, t] = [median(single), median(many)];
    const ratio = name.startsWith('bare')
      ? ''
      : `  ${(l / median(base.latency)).toFixed(2)} × latency, ${(t / median(base.throughput)).toFixed(2)} × calls`;
    console.log(`  ${name.padEnd(20)} ${l.toFixed(2).padStart(7)} ms  ${t.toFixed(0).padStart(8)} calls/s${ratio}`);
  }
  for (const contender of contenders) await contender.close();
  for (const worker of workers) await worker.stop();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      calls: { type: 'string', default: '2000' },
      rounds: { type: 'string', default: '5' },
      worker: { type: 'boolean', default: false },
    },
  });
  if (values.worker) return await work(positionals[0]!, positionals[1] as Kind, positionals[2]!);
  const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-bench-'));
  await run(async () => {
    await using servers = new Servers(folder);
    for (const kind of (positionals.length === 0 ? KINDS : positionals) as Kind[]) {
      try {
        await measure(kind, servers, Number(values.calls), Number(values.rounds));
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        console.warn(`SKIPPED: ${kind}: ${error.message}`);
      }
    }
  });
  rmSync(folder, { recursive: true, force: true });
}

if (process.argv[1] === import.meta.filename) await main();
