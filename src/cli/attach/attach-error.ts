/** A process cannot be looked at: the message says why, and what helps. The exit code is 1. */
export class AttachError extends Error {
  /** Whether it may go away by itself, as when another tool is just leaving. */
  readonly isPassing: boolean;

  constructor(message: string, { isPassing = false, cause }: { isPassing?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isPassing = isPassing;
  }

  override get name(): string {
    return 'AttachError';
  }
}
