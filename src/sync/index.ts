export { Barrier, type BarrierOptions, type BarrierStatistics } from './barrier.ts';
export { Condition, type ConditionOptions, type ConditionStatistics, type NotifyOptions } from './condition.ts';
export { Event, type EventStatistics } from './event.ts';
export type { Acquirable, Guard } from './guard.ts';
export { Lock, type LockStatistics } from './lock.ts';
export { BoundedSemaphore, Semaphore, type SemaphoreOptions, type SemaphoreStatistics } from './semaphore.ts';
