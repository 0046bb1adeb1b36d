import { RuntimeError } from './errors.ts';

/**
 * A worker of an executor has died in the middle of a job, or could not be prepared. The executor makes another one for the next job.
 *
 * Follows CPython's `concurrent.futures.BrokenExecutor`; but there the whole executor is unusable after that.
 */
export class BrokenExecutor extends RuntimeError {
  override get name(): string {
    return 'BrokenExecutor';
  }
}

/**
 * A worker thread has died, or its initializer has failed.
 *
 * Follows CPython's `concurrent.futures.thread.BrokenThreadPool`.
 */
export class BrokenThreadPool extends BrokenExecutor {
  override get name(): string {
    return 'BrokenThreadPool';
  }
}

/**
 * A worker process has died, or its initializer has failed.
 *
 * Follows CPython's `concurrent.futures.process.BrokenProcessPool`.
 */
export class BrokenProcessPool extends BrokenExecutor {
  override get name(): string {
    return 'BrokenProcessPool';
  }
}
