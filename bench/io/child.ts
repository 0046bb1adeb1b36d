import { createInterface } from 'node:readline';
import { connected } from './net.ts';
import type { Exchange, Program, Work } from './program.ts';

/**
 * One process of an I/O benchmark: `node --expose-gc child.ts PROGRAM serve WORK`, or `… connect WORK PORT`.
 *
 * It says `{"port": …}` or `{}` when it is ready, then answers each line on its standard input with one on its output, and ends with
 * the input.
 *
 * | line       | answer                                                                                     |
 * |------------|--------------------------------------------------------------------------------------------|
 * | `run N`    | `{"ns": …}`: what N operations took                                                        |
 * | `open N`   | `{}`, when N more connections are open and left alone                                      |
 * | `cpu`      | `{"cpu": …}`: the nanoseconds of processor time that it has taken so far                   |
 * | `memory`   | `{"rss": …, "heap": …}`: bytes after full collections                                       |
 */

const [name, role, work, port] = process.argv.slice(2) as [string, 'serve' | 'connect', Work, string | undefined];

const OPENED_AT_ONCE = 100;
const idle: unknown[] = [];
let exchange: Exchange | null = null;

async function begin(): Promise<object> {
  const { program } = (await import(`./${name}.ts`)) as { program: Program };
  if (role === 'serve') return { port: await program.serve(work) };
  if (work !== 'idle') exchange = await program.connect(work, Number(port));
  return {};
}

async function answer(line: string): Promise<object> {
  const [command, count] = line.split(' ');
  if (command === 'run') return { ns: await exchange!(Number(count)) };
  if (command === 'open') return await open(Number(count));
  return command === 'cpu' ? cpu() : memory();
}

async function open(count: number): Promise<object> {
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE)
    idle.push(...(await Promise.all(Array.from({ length: OPENED_AT_ONCE }, () => connected(Number(port))))));
  return {};
}

function cpu(): object {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) * 1e3 };
}

function memory(): object {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

console.log(JSON.stringify(await begin()));
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void answer(line).then((result) => console.log(JSON.stringify(result))));
lines.on('close', () => process.exit());
