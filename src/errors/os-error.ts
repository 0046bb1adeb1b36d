/** Failures of the operating system. They have the system's code (`ECONNRESET`), and the same classes as in Python. */

/** Details of a failure besides its message. */
export interface OSErrorDetails {
  /** The system's code, such as `ECONNREFUSED`; for failed look-ups the resolver's, such as `ENOTFOUND`. */
  readonly code?: string | undefined;
  /** The system's error number, negative as in the runtimes. */
  readonly errno?: number | undefined;
  /** The system call that failed. */
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A call of the operating system failed. `code` says how.
 *
 * Follows CPython's `OSError`.
 */
export class OSError extends Error {
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string;
  /** The system's error number, negative as in the runtimes. */
  declare readonly errno: number | undefined;
  /** The system call that failed. */
  declare readonly syscall: string | undefined;
  declare readonly path: string | undefined;
  declare readonly address: string | undefined;
  declare readonly port: number | undefined;

  constructor(message?: string, details: OSErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    const { code = 'OS', errno, syscall, path, address, port } = details;
    this.code = code;
    // Properties without a value are not set, so that they are not listed when the error is printed.
    for (const [name, value] of Object.entries({ errno, syscall, path, address, port }))
      if (value !== undefined) Object.assign(this, { [name]: value });
  }

  override get name(): string {
    return 'OSError';
  }
}

/** A connection could not be made, or has failed. */
export class ConnectionError extends OSError {
  override get name(): string {
    return 'ConnectionError';
  }
}

/** The peer has reset the connection, or the connection was lost while a task waited for it. */
export class ConnectionResetError extends ConnectionError {
  override get name(): string {
    return 'ConnectionResetError';
  }
}

/** Nobody listens at the address. */
export class ConnectionRefusedError extends ConnectionError {
  override get name(): string {
    return 'ConnectionRefusedError';
  }
}

/** The connection was ended before it was made, by the peer or by this side. */
export class ConnectionAbortedError extends ConnectionError {
  override get name(): string {
    return 'ConnectionAbortedError';
  }
}

/** The other side of a pipe or connection does not read any more. */
export class BrokenPipeError extends ConnectionError {
  override get name(): string {
    return 'BrokenPipeError';
  }
}

/** There is no such file, program or folder. */
export class FileNotFoundError extends OSError {
  override get name(): string {
    return 'FileNotFoundError';
  }
}

/** The file exists already. */
export class FileExistsError extends OSError {
  override get name(): string {
    return 'FileExistsError';
  }
}

/** The system does not allow it. */
export class PermissionError extends OSError {
  override get name(): string {
    return 'PermissionError';
  }
}

/** There is no such process. */
export class ProcessLookupError extends OSError {
  override get name(): string {
    return 'ProcessLookupError';
  }
}

type OSErrorClass = new (message?: string, details?: OSErrorDetails) => OSError;

const CLASSES: Readonly<Record<string, OSErrorClass>> = {
  ECONNRESET: ConnectionResetError,
  ECONNREFUSED: ConnectionRefusedError,
  ECONNABORTED: ConnectionAbortedError,
  EPIPE: BrokenPipeError,
  ESHUTDOWN: BrokenPipeError,
  ENOENT: FileNotFoundError,
  EEXIST: FileExistsError,
  EACCES: PermissionError,
  EPERM: PermissionError,
  ESRCH: ProcessLookupError,
};

/** The system's codes for which Deno has its own error classes. */
const CODES_IN_DENO: Readonly<Record<string, string>> = {
  NotFound: 'ENOENT',
  PermissionDenied: 'EACCES',
  AlreadyExists: 'EEXIST',
  AddrInUse: 'EADDRINUSE',
  AddrNotAvailable: 'EADDRNOTAVAIL',
  BrokenPipe: 'EPIPE',
  ConnectionRefused: 'ECONNREFUSED',
  ConnectionReset: 'ECONNRESET',
  ConnectionAborted: 'ECONNABORTED',
  NotConnected: 'ENOTCONN',
  NotADirectory: 'ENOTDIR',
  IsADirectory: 'EISDIR',
  FilesystemLoop: 'ELOOP',
};

/** The form of a system code; codes of runtimes contain underscores, such as `ERR_INVALID_ARG_TYPE`. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;

/** The system's code of a runtime's error, `null` when the error does not come from the system. */
function systemCode({ name, code, syscall }: Error & { code?: unknown; syscall?: unknown }): string | null {
  if (typeof code === 'string') return typeof syscall === 'string' || SYSTEM_CODE.test(code) ? code : null;
  return Object.hasOwn(CODES_IN_DENO, name) ? (CODES_IN_DENO[name] as string) : null;
}

/**
 * This library's error for an error of the runtime: its class depends on the code, and its cause is the runtime's error. Errors without a
 * system code, and errors of this library, are returned unchanged. Not every runtime names the call that failed.
 *
 * @param what begins the message: what was tried, such as `connect to 127.0.0.1:80`
 */
export function osError(error: unknown, what?: string): unknown {
  if (!(error instanceof Error) || error instanceof OSError) return error;
  const code = systemCode(error);
  if (code === null) return error;
  const { errno, syscall, path, address, port } = error as Error & Partial<OSErrorDetails>;
  const Class = CLASSES[code] ?? OSError;
  const message = what === undefined ? error.message : `${what}: ${error.message}`;
  return new Class(message, { code, errno, syscall, path, address, port, cause: error });
}
