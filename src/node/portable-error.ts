/** How deep causes are followed: they may go round in circles. */
const DEEPEST_CAUSE = 8;

/** What is left of a thrown value when it is sent to another thread or process. */
export interface PortableError {
  /** Something was thrown that is no error: the value, or its text. */
  readonly thrown?: unknown;
  readonly name?: string | undefined;
  readonly message?: string | undefined;
  readonly stack?: string | undefined;
  readonly code?: string | number | undefined;
  readonly cause?: PortableError | undefined;
  /** Those of an `AggregateError` or an `ExceptionGroup`. */
  readonly errors?: readonly PortableError[] | undefined;
}

/**
 * What can be sent of an error. Cloning it as it is would lose the names of classes, codes and, in some runtimes, causes, and fail when
 * a member cannot be cloned.
 */
export function portableError(thrown: unknown, depth = 0): PortableError {
  if (!(thrown instanceof Error)) return { thrown: isPlain(thrown) ? thrown : describeThrown(thrown) };
  const { name, message, stack, cause, code, errors } = thrown as Error & Partial<Record<'code' | 'errors', unknown>>;
  const deeper = depth < DEEPEST_CAUSE;
  return {
    name: String(name),
    message: String(message),
    stack: stack === undefined ? undefined : String(stack),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined || !deeper ? undefined : portableError(cause, depth + 1),
    errors: Array.isArray(errors) && deeper ? errors.map((error) => portableError(error, depth + 1)) : undefined,
  };
}

function isPlain(value: unknown): boolean {
  return value === null || !['object', 'function', 'symbol'].includes(typeof value);
}

function describeThrown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
