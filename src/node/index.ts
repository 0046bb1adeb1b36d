/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The I/O part of asyncio, on Node's own modules, which Bun and Deno have too: streams, servers, datagrams, transports and protocols,
 * subprocesses, files, executors, loops of other threads, and files of traces.
 *
 * @module asyncio-ts/node
 */

export {
  BrokenPipeError,
  ConnectionAbortedError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileExistsError,
  FileNotFoundError,
  OSError,
  type OSErrorDetails,
  PermissionError,
  ProcessLookupError,
} from '../errors/os-error.ts';
export { IncompleteReadError, LimitOverrunError } from '../errors/stream-errors.ts';
export * from '../streams/index.ts';
export { ConcurrentFuture, type WorkState } from './concurrent-future.ts';
export * from './datagram/index.ts';
export * from './diagnostics/index.ts';
export * from './executors/index.ts';
export * from './files/index.ts';
export * from './net/index.ts';
export * from './pipes/index.ts';
export * from './stalls/index.ts';
export * from './subprocess/index.ts';
export * from './threads/index.ts';
export * from './trace/index.ts';
