export { Barrier } from './barrier.ts';
export { Condition } from './condition.ts';
export { Event } from './event.ts';
export type { Acquirable, Guard } from './guard.ts';
export { Lock } from './lock.ts';
export { BoundedSemaphore, Semaphore } from './semaphore.ts';
