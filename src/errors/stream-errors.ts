/**
 * A stream ended before the requested bytes were read.
 *
 * Follows CPython's `asyncio.IncompleteReadError`.
 */
export class IncompleteReadError extends Error {
  readonly code = 'INCOMPLETE_READ';
  /** What was read before the end. */
  readonly partial: Uint8Array;
  /** How many bytes were requested; `null` when the read was up to a separator. */
  readonly expected: number | null;

  constructor(partial: Uint8Array, expected: number | null) {
    super(
      `${partial.length} bytes read on a total of ${expected ?? 'undefined'} expected bytes: the stream ended before ` +
        (expected === null ? 'the separator was read' : `${expected} bytes were read`),
    );
    this.partial = partial;
    this.expected = expected;
  }

  override get name(): string {
    return 'IncompleteReadError';
  }
}

/**
 * More than the limit was read without a separator. What was read stays in the buffer: `readexactly(consumed)` takes it.
 *
 * Follows CPython's `asyncio.LimitOverrunError`.
 */
export class LimitOverrunError extends Error {
  readonly code = 'LIMIT_OVERRUN';
  /** How many bytes of the buffer are known to contain no separator. */
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }

  override get name(): string {
    return 'LimitOverrunError';
  }
}
