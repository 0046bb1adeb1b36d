export { AsCompleted, type AsCompletedOptions, asCompleted, type FutureOf } from './as-completed.ts';
export {
  createEagerTaskFactory,
  createTask,
  currentSignal,
  eagerTaskFactory,
  ensureFuture,
  type TaskConstructor,
  wrapFuture,
} from './create.ts';
export { type GatherOptions, gather } from './gather.ts';
export { type SharedFunction, type SharedOptions, shared } from './shared.ts';
export { shield } from './shield.ts';
export { type SleepOptions, sleep } from './sleep.ts';
export { TaskGroup, type TaskGroupBody, type TaskGroupOptions, taskGroup } from './task-group.ts';
export { runCoroutineThreadsafe, toThread } from './threads.ts';
export {
  Timeout,
  type TimeoutAtOptions,
  type TimeoutBody,
  type TimeoutOptions,
  timeout,
  timeoutAt,
} from './timeout.ts';
export {
  ALL_COMPLETED,
  type DoneAndPending,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  type WaitOptions,
  wait,
} from './wait.ts';
export { type WaitForOptions, waitFor } from './wait-for.ts';
