// What does it cost that a request is a task? Servers of node:http, Hono, Express and Fastify, bare and as tasks: npm run bench:http.
// How it is measured is in README.md.
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { load, type Visit } from '../test/services/load.ts';
import { Client } from './http/client.ts';
import { FRAMEWORKS, type Framework, MODES, type Mode, VISITED } from './http/contenders.ts';
import { CommandedProcess } from './io/process.ts';
import { quantity } from './lib/report.ts';
import { machine } from './lib/results.ts';
import { median, spread } from './lib/statistics.ts';

const USAGE = `usage: npm run bench:http -- [options]

  --only NAME      only this framework (again, or with commas, for several): ${FRAMEWORKS.join(', ')}
  --rounds N       so many rounds (31)
  --requests N     so many requests in each (4000)
  --connections N  over so many connections (32)
  --memory         instead: what is alive after each 100,000 of 1,000,000 requests
  --visitors       instead: what is left of 10,000 requests with random disconnects, deadlines and failures
`;

const CHILD = path.join(import.meta.dirname, 'http/child.ts');
const WARM_UP = 20_000;
const VISITORS = 10_000;

/** A server in a process of its own, and its client in this one. */
class Contender {
  readonly mode: Mode;
  readonly #process: CommandedProcess;
  readonly #client: Client;
  /** Per request, in nanoseconds: by the clock, and of the server's processor time. */
  readonly wall: number[] = [];
  readonly cpu: number[] = [];

  private constructor(mode: Mode, process: CommandedProcess, client: Client) {
    this.mode = mode;
    this.#process = process;
    this.#client = client;
  }

  static async start(framework: Framework, mode: Mode, connections: number): Promise<Contender> {
    const child = new CommandedProcess(process.execPath, ['--expose-gc', CHILD, framework, mode]);
    const { port } = await child.answer();
    return new Contender(mode, child, await Client.open(port!, connections));
  }

  async round(requests: number): Promise<void> {
    const before = await this.#process.ask('cpu');
    const nanoseconds = await this.#client.ask(requests);
    const after = await this.#process.ask('cpu');
    this.wall.push(nanoseconds / requests);
    this.cpu.push((after.cpu! - before.cpu!) / requests);
  }

  async warmUp(): Promise<void> {
    await this.#client.ask(WARM_UP);
  }

  async memory(requests: number): Promise<{ readonly rss: number; readonly heap: number }> {
    await this.#client.ask(requests);
    const { rss, heap } = await this.#process.ask('memory');
    return { rss: rss!, heap: heap! };
  }

  async end(): Promise<void> {
    this.#client.close();
    await this.#process.end();
  }
}

async function compare(framework: Framework, rounds: number, requests: number, connections: number): Promise<void> {
  const contenders = await Promise.all(MODES.map((mode) => Contender.start(framework, mode, connections)));
  for (const contender of contenders) await contender.warmUp();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) await contenders[(i + round) % contenders.length]!.round(requests);
  }
  for (const contender of contenders) await contender.end();
  const bare = contenders[0]!;
  console.log(`\n${framework}`);
  for (const { mode, wall, cpu } of contenders) {
    const slower = median(wall.map((sample, round) => bare.wall[round]! / sample));
    const more = median(cpu.map((sample, round) => sample - bare.cpu[round]!)) / 1e3;
    const columns = [
      `${quantity(1e9 / median(wall))} requests/s`.padStart(18),
      `±${(spread(wall) * 100).toFixed(0)}%`.padStart(5),
      `${(slower * 100).toFixed(1)} % of bare`.padStart(15),
      `${quantity(median(cpu) / 1e3)} µs of processor time`.padStart(28),
      mode === 'bare' ? '' : `${more < 0 ? '' : '+'}${more.toFixed(2)} µs`,
    ];
    console.log(`  ${mode.padEnd(8)}${columns.join('  ')}`.trimEnd());
  }
}

async function memory(framework: Framework, connections: number): Promise<void> {
  console.log(`\n${framework}: MB alive (of the process) after so many requests`);
  for (const mode of MODES) {
    const contender = await Contender.start(framework, mode, connections);
    const figures: string[] = [];
    for (let done = 0; done < 1_000_000; done += 100_000) {
      const { heap, rss } = await contender.memory(100_000);
      figures.push(`${(heap / 1e6).toFixed(1)} (${(rss / 1e6).toFixed(0)})`);
    }
    console.log(`  ${mode.padEnd(8)}${figures.join('  ')}`);
    await contender.end();
  }
}

/** Six clients of ten wait for an answer, two of them with a deadline that is often too short. The others leave at a random moment. */
function visitOf(random: (below: number) => number): Visit {
  const kind = random(10);
  if (kind < 3) return { method: 'GET', path: '/' };
  if (kind < 4) return { method: 'GET', path: '/fails' };
  if (kind < 6) return { method: 'GET', path: '/slow', headers: { 'x-request-timeout-ms': String(random(10)) } };
  if (kind < 8) return { method: 'GET', path: '/slow', leavesAfter: random(8) };
  return { method: 'GET', path: '/never', leavesAfter: random(8) };
}

type Busy = Readonly<Record<'tasks' | 'sockets' | 'timers', number>>;

async function visitors(framework: Framework, connections: number): Promise<void> {
  const server = new CommandedProcess(process.execPath, ['--expose-gc', CHILD, framework, VISITED]);
  const { port } = await server.answer();
  const busy = async (): Promise<Busy> => {
    const { tasks, sockets, timers } = await server.ask('busy');
    return { tasks: tasks!, sockets: sockets!, timers: timers! };
  };
  const before = await busy();
  const began = performance.now();
  const answers = await load(`http://127.0.0.1:${port}`, VISITORS, connections, visitOf);
  const seconds = (performance.now() - began) / 1_000;
  let after = await busy();
  // The server has to hear of the last clients that left.
  for (let tries = 0; tries < 200 && (after.tasks > before.tasks || after.sockets > before.sockets); tries++) {
    await setTimeout(10);
    after = await busy();
  }
  await server.end();
  const counts = Object.entries(answers).map(([answer, count]) => `${quantity(count)} ${answer}`);
  const left = (Object.keys(after) as (keyof Busy)[]).map((kind) => `${after[kind] - before[kind]} ${kind}`);
  console.log(`  ${framework.padEnd(11)}${quantity(VISITORS / seconds)} requests/s: ${counts.join(', ')}`);
  console.log(`  ${''.padEnd(11)}left behind: ${left.join(', ')}`);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '31' },
    requests: { type: 'string', default: '4000' },
    connections: { type: 'string', default: '32' },
    memory: { type: 'boolean', default: false },
    visitors: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const only = values.only.flatMap((names) => names.split(','));
const unknown = only.filter((name) => !(FRAMEWORKS as readonly string[]).includes(name));
if (values.help) console.log(USAGE);
else if (unknown.length > 0) {
  console.error(`bench:http: no server is called ${unknown.join(', ')}\n\n${USAGE}`);
  process.exitCode = 2;
} else {
  const { runtime, cpu, cores } = machine();
  const connections = Number(values.connections);
  const how = values.memory || values.visitors ? '' : '; medians of interleaved rounds';
  console.log(`${runtime}; ${cpu}, ${cores} cores; ${connections} connections${how}`);
  for (const framework of FRAMEWORKS.filter((name) => only.length === 0 || only.includes(name))) {
    if (values.memory) await memory(framework, connections);
    else if (values.visitors) await visitors(framework, connections);
    else await compare(framework, Number(values.rounds), Number(values.requests), connections);
  }
}
