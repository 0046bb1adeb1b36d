import { type Launch, NODE_PROGRAMS, pythonPrograms, startClientOf, startServerOf } from '../io/contenders.ts';
import type { Answer } from '../io/process.ts';
import { main } from '../lib/main.ts';
import type { Contender, Subject } from '../lib/subject.ts';

/**
 * What a server takes for 10,000 connections on which nothing happens: each has a handler that waits for bytes, or a protocol. The
 * client is `node:net` in a process of its own for all of them. Every sample is of a new server.
 */

// The first connections also load code, and grow what does not grow again.
const BEFORE = 500;

function serverOf(launch: Launch, what: 'rss' | 'heap'): Contender {
  return {
    name: launch.name,
    async run(count) {
      const [server, port] = await startServerOf(launch, 'idle');
      const client = await startClientOf(NODE_PROGRAMS[0]!, 'idle', port);
      const memory = async (): Promise<number> => ((await server.ask('memory')) as Required<Answer>)[what];
      await client.ask(`open ${BEFORE}`);
      const before = await memory();
      await client.ask(`open ${count}`);
      const after = await memory();
      await client.end();
      await server.end();
      return after - before;
    },
  };
}

const COMMON = {
  unit: 'connection',
  quantity: 'bytes',
  count: 10_000,
  rounds: 5,
  goals: null,
  io: { rate: null },
  cold: true,
} as const;

export const ioMemory: Subject = {
  ...COMMON,
  name: 'io-memory',
  title: 'memory of the process per idle connection, of 10,000',
  contenders: NODE_PROGRAMS.map((launch) => serverOf(launch, 'rss')),
  cpythonContenders: () => pythonPrograms().map((launch) => serverOf(launch, 'rss')),
};

export const ioHeap: Subject = {
  ...COMMON,
  name: 'io-heap',
  title: 'heap per idle connection, of 10,000',
  contenders: NODE_PROGRAMS.map((launch) => serverOf(launch, 'heap')),
};

if (import.meta.main) await main([ioMemory, ioHeap]);
