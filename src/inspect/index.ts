/** What a running program does: which task waits for what, and for whom. */

export {
  type CallGraph,
  type CallGraphOptions,
  captureCallGraph,
  formatCallGraph,
  type PrintCallGraphOptions,
  printCallGraph,
} from './call-graph.ts';
export type { CallFrame } from './frames.ts';
export { recordPlaces } from './record-places.ts';
export { titleOfTask } from './task-title.ts';
export { captureWaitGraph, formatWaitGraph, type WaitEdge, type WaitGraph, type WaitNode } from './wait-graph.ts';
