export { LifoQueue } from './lifo-queue.ts';
export { type Compare, PriorityQueue, type PriorityQueueOptions } from './priority-queue.ts';
export { Queue, type QueueOptions, type QueueStatistics, type ShutdownOptions } from './queue.ts';
