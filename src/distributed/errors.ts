import { BrokenExecutor } from '../errors/executor-errors.ts';
import { RuntimeError } from '../errors/index.ts';

/**
 * A worker on another machine was lost in the middle of a job: it has died, was cut off, or its loop was blocked for too long. The function
 * may have run in part, or to its end.
 */
export class WorkerLost extends BrokenExecutor {
  /** The name of the worker: host, process, number. */
  readonly worker: string;

  constructor(message: string, worker: string) {
    super(message, { code: 'WORKER_LOST' });
    this.worker = worker;
  }

  override get name(): string {
    return 'WorkerLost';
  }
}

/** No worker serves the function: the job was not sent. */
export class NotServed extends RuntimeError {
  constructor(message: string, details: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(message, { code: 'NOT_SERVED', ...details });
  }

  override get name(): string {
    return 'NotServed';
  }
}

/** The store cannot be reached, or does not know a job any more that it had. Whether the function has run is not known. */
export class StoreLost extends BrokenExecutor {
  override get name(): string {
    return 'StoreLost';
  }
}
