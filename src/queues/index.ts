export { LifoQueue } from './lifo-queue.ts';
export { type Compare, PriorityQueue, type PriorityQueueOptions } from './priority-queue.ts';
export { Queue, type ShutdownOptions } from './queue.ts';
