import { NODE_PROGRAMS, pairOf, pythonPrograms } from '../io/contenders.ts';
import { CHUNK } from '../io/program.ts';
import { main } from '../lib/main.ts';
import type { Subject } from '../lib/subject.ts';

/**
 * 1 GiB one way over one connection, in writes of 64 KiB with `drain` after each (protocols and `node:net`: as they are told to pause).
 * The server counts what comes, looks at both ends of each chunk, and answers with the sum, which the client checks.
 */
export const ioBulk: Subject = {
  name: 'io-bulk',
  title: '1 GiB one way over one connection',
  unit: '64 KiB',
  quantity: 'ns',
  count: 16_384,
  rounds: 9,
  goals: { gen: 1.11, async: 1.11 },
  io: { rate: { unit: 'MB/s', perOperation: CHUNK / 1e6 } },
  contenders: NODE_PROGRAMS.map((launch) => pairOf(launch, 'bulk')),
  cpythonContenders: () => pythonPrograms().map((launch) => pairOf(launch, 'bulk')),
};

if (import.meta.main) await main([ioBulk]);
