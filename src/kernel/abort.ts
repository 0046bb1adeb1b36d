import type { AbortSignalLike } from './host.ts';
import type { Task } from './task.ts';

/** Cancels a task when a signal is aborted, with the reason's message. */
export function cancelOnAbort(task: Task<unknown>, signal: AbortSignalLike): void {
  const cancel = (): void => {
    const message = messageOf(signal.reason);
    if (message === undefined) task.cancel();
    else task.cancel(message);
  };
  if (signal.aborted) {
    cancel();
    return;
  }
  signal.addEventListener('abort', cancel, { once: true });
  task.addDoneCallback(() => signal.removeEventListener('abort', cancel));
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : reason === undefined ? undefined : String(reason);
}
