/** What a running program does: which task waits for what, and for whom. */

export { captureWaitGraph, formatWaitGraph, type WaitEdge, type WaitGraph, type WaitNode } from './wait-graph.ts';
