export { always, type StandingCheck } from './always.ts';
export { type CheckCode, CheckError } from './check-error.ts';
export { type EventuallyOptions, eventually, type Held } from './eventually.ts';
