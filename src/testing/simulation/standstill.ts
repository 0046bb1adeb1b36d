import type { EventLoop } from '../../index.ts';
import { captureWaitGraph, formatWaitGraph } from '../../inspect/wait-graph.ts';
import { DeadlockError } from '../errors.ts';

/** The error of a program in which nothing is left that could ever run. */
export function standstill(loop: EventLoop): DeadlockError {
  const graph = captureWaitGraph(loop);
  return new DeadlockError(
    `nothing is left in the program that could ever run:\n${formatWaitGraph(graph, true)}`,
    graph.cycles[0] ?? [],
  );
}
