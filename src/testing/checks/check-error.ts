import { RuntimeError } from '../../errors/index.ts';

/** How a check can fail: `code` of a `CheckError`. */
export type CheckCode = 'ALWAYS' | 'EVENTUALLY' | 'NOT_LINEARIZABLE';

/** A check of a simulated program has failed: `always`, `eventually` or `checkLinearizable`. */
export class CheckError extends RuntimeError {
  constructor(message: string, code: CheckCode, details: { readonly cause?: unknown } = {}) {
    super(message, { code, ...details });
  }

  override get name(): string {
    return 'CheckError';
  }
}
