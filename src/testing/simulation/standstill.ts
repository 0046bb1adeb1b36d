import type { EventLoop } from '../../index.ts';
import { captureWaitGraph, formatWaitGraph } from '../../inspect/wait-graph.ts';
import { DeadlockError, LivelockError } from '../errors.ts';

/** The error of a program in which nothing is left that could ever run. */
export function standstill(loop: EventLoop): DeadlockError {
  const graph = captureWaitGraph(loop);
  return new DeadlockError(
    `nothing is left in the program that could ever run:\n${formatWaitGraph(graph, true)}`,
    graph.cycles[0] ?? [],
  );
}

/** The error of a program that has run for so many iterations of its loop while time stood still. */
export function livelock(iterations: number, loop: EventLoop | null): LivelockError {
  return new LivelockError(
    `livelock: the program has run for ${iterations} iterations of the loop without any time passing; what it does waits for ` +
      `nothing. Raise maxSteps if it is meant to.${loop === null ? '' : doneNow(loop)}`,
  );
}

/** What the tasks of a program that runs on and on do now, in lines below a message. */
export function doneNow(loop: EventLoop): string {
  const graph = formatWaitGraph(captureWaitGraph(loop));
  return graph === '' ? '' : `\nWhat its tasks do now:\n${graph}`;
}
