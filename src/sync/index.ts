export { Barrier, type BarrierStatistics } from './barrier.ts';
export { Condition, type ConditionStatistics } from './condition.ts';
export { Event, type EventStatistics } from './event.ts';
export type { Acquirable, Guard } from './guard.ts';
export { Lock, type LockStatistics } from './lock.ts';
export { BoundedSemaphore, Semaphore, type SemaphoreStatistics } from './semaphore.ts';
