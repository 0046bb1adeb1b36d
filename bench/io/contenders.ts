import path from 'node:path';
import { findPython, findUvloop } from '../lib/cpython.ts';
import { ASYNC, type Contender, GEN, NATIVE } from '../lib/subject.ts';
import { type Answer, CommandedProcess } from './process.ts';
import type { Work } from './program.ts';

/** How a program is started, whatever it is written in. */
export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const CHILD = path.join(import.meta.dirname, 'child.ts');
const PEER = path.join(import.meta.dirname, 'peer.py');

export const PROTOCOLS = 'protocols';

const inNode = (name: string, program: string): Launch => ({
  name,
  command: process.execPath,
  args: ['--expose-gc', CHILD, program],
});

/** `node:net`, and this library's three ways. */
export const NODE_PROGRAMS: readonly Launch[] = [
  inNode(NATIVE, 'net'),
  inNode(GEN, 'streams-gen'),
  inNode(ASYNC, 'streams-async'),
  inNode(PROTOCOLS, 'protocols'),
];

/** Those of CPython's asyncio and of uvloop that this machine has. */
export function pythonPrograms(): readonly Launch[] {
  const python = findPython();
  const withUvloop = findUvloop(python);
  const launches: Launch[] = [];
  for (const style of ['streams', 'protocols']) {
    if (python !== null) launches.push({ name: `CPython ${style}`, command: python, args: [PEER, `asyncio-${style}`] });
    if (withUvloop !== null)
      launches.push({ name: `uvloop ${style}`, command: withUvloop, args: [PEER, `uvloop-${style}`] });
  }
  return launches;
}

/** A server's process, and the port that it listens on. */
export async function startServerOf({ command, args }: Launch, work: Work): Promise<[CommandedProcess, string]> {
  const server = new CommandedProcess(command, [...args, 'serve', work]);
  const { port } = await server.answer();
  return [server, String(port)];
}

/** A client's process, connected. */
export async function startClientOf({ command, args }: Launch, work: Work, port: string): Promise<CommandedProcess> {
  const client = new CommandedProcess(command, [...args, 'connect', work, port]);
  await client.answer();
  return client;
}

/**
 * A server and a client of one kind, each a process of its own, which stay for all rounds. They wait for commands meanwhile, and take
 * no time of the others'.
 */
export function pairOf(launch: Launch, work: Work): Contender {
  let pair: Promise<[server: CommandedProcess, client: CommandedProcess]> | null = null;
  const start = async (): Promise<[CommandedProcess, CommandedProcess]> => {
    const [server, port] = await startServerOf(launch, work);
    return [server, await startClientOf(launch, work, port)];
  };
  return {
    name: launch.name,
    async run(count) {
      pair ??= start();
      const [, client] = await pair;
      const { ns } = (await client.ask(`run ${count}`)) as Required<Answer>;
      return ns;
    },
    async close() {
      const [server, client] = (await pair) ?? [];
      await client?.end();
      await server?.end();
      pair = null;
    },
  };
}
