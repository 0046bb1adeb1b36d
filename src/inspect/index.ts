/** What a running program does: its tasks, and which task waits for what, and for whom. */

export type { FrameSnapshot, PageOptions, TaskCounts, TaskPage, TaskSnapshot, WaitSnapshot } from './lens.ts';
export { captureTasks, type SnapshotOptions, taskPages } from './snapshot.ts';
export { joinPages, TaskGraph, type TaskRow } from './task-tree.ts';
export { captureWaitGraph, formatWaitGraph, type WaitEdge, type WaitGraph, type WaitNode } from './wait-graph.ts';
