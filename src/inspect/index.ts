/** What a running program does: which task waits for what, and for whom. */

import { pending } from '../kernel/lowlevel.ts';
import { captureWaitGraph } from './wait-graph.ts';
import { formatWaitTree } from './wait-tree.ts';

// A program that imports this has its pending tasks told as a tree; package.json ("sideEffects") keeps the line in bundles.
pending.tell = (loop) => formatWaitTree(captureWaitGraph(loop));

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
export { formatWaitTree } from './wait-tree.ts';
