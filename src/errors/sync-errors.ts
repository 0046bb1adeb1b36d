/** The errors of locks and queues. */

/** A barrier was reset or aborted while tasks waited at it, or is broken. */
export class BrokenBarrierError extends Error {
  readonly code = 'BROKEN_BARRIER';

  override get name(): string {
    return 'BrokenBarrierError';
  }
}

/** `getNowait()` of an empty queue. */
export class QueueEmpty extends Error {
  readonly code = 'QUEUE_EMPTY';

  override get name(): string {
    return 'QueueEmpty';
  }
}

/** `putNowait()` into a full queue. */
export class QueueFull extends Error {
  readonly code = 'QUEUE_FULL';

  override get name(): string {
    return 'QueueFull';
  }
}

/** The queue was shut down: nothing can be put, and nothing is left to get. */
export class QueueShutDown extends Error {
  readonly code = 'QUEUE_SHUT_DOWN';

  override get name(): string {
    return 'QueueShutDown';
  }
}
