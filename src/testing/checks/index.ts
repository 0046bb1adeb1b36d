export { always, type StandingCheck } from './always.ts';
export { type CheckCode, CheckError } from './check-error.ts';
export { checkLinearizable, type LinearizabilityOptions } from './check-linearizable.ts';
export { type EventuallyOptions, eventually, type Held } from './eventually.ts';
export { type CallOutcome, type Given, History, type OpenCall, type RecordedCall } from './history.ts';
export {
  type Effect,
  type ErrorClass,
  lockModel,
  type Model,
  type Operation,
  queueModel,
  registerModel,
} from './model.ts';
