export {
  CancelledError,
  type ErrorDetails,
  InvalidStateError,
  KeyboardInterrupt,
  LookupError,
  leavesTheLoop,
  RuntimeError,
  rethrowIfCancelled,
  SystemExit,
  TimeoutError,
  ValueError,
} from './errors.ts';
export * from './exception-group.ts';
export * from './stream-errors.ts';
export * from './sync-errors.ts';
