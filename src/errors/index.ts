export {
  CancelledError,
  type ErrorDetails,
  InvalidStateError,
  KeyboardInterrupt,
  leavesTheLoop,
  LookupError,
  RuntimeError,
  SystemExit,
  TimeoutError,
  ValueError,
} from './errors.ts';
export * from './exception-group.ts';
export * from './sync-errors.ts';
