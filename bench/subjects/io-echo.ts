import { NODE_PROGRAMS, pairOf, pythonPrograms } from '../io/contenders.ts';
import { main } from '../lib/main.ts';
import type { Subject } from '../lib/subject.ts';

/**
 * A server that echoes, and a client with a hundred connections, on each of which the next message of 1 KiB follows when the last one
 * is back. Server and client are processes of their own, written in the same way.
 */
export const ioEcho: Subject = {
  name: 'io-echo',
  title: 'echo of 1 KiB messages over 100 connections',
  unit: 'message',
  quantity: 'ns',
  count: 20_000,
  rounds: 21,
  goals: { gen: 1.11, async: 1.11 },
  io: { rate: { unit: 'messages/s', perOperation: 1 } },
  contenders: NODE_PROGRAMS.map((launch) => pairOf(launch, 'echo')),
  cpythonContenders: () => pythonPrograms().map((launch) => pairOf(launch, 'echo')),
};

if (import.meta.main) await main([ioEcho]);
