import { TimeoutError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import type { Bytes } from '../../streams/index.ts';

interface TimedOut {
  /** The time limit. */
  readonly seconds: number;
  readonly returncode: number | null;
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly cause: unknown;
}

/**
 * The `TimeoutError` of `runProcess`: has the output that the process has written before the time limit, and whether it had ended.
 *
 * Follows CPython's `subprocess.TimeoutExpired`.
 *
 * @example
 * try {
 *   await runProcess('sh', ['-c', 'echo begun; sleep 10'], { timeout: 0.1, encoding: 'utf-8' });
 * } catch (error) {
 *   if (!(error instanceof ProcessTimeoutError)) throw error;
 *   console.log(error.stdout, error.returncode);
 * }
 */
export class ProcessTimeoutError extends TimeoutError {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The time limit in seconds. */
  readonly timeout: number;
  /** Its exit code, when it had ended but a process that it had started kept its output open; `null` when it was still running. */
  readonly returncode: number | null;
  /** Its output; text when an encoding was given. */
  readonly stdout: Bytes;
  /** Its error output. */
  readonly stderr: Bytes;

  constructor(command: readonly string[], { seconds, returncode, stdout, stderr, cause }: TimedOut) {
    const why =
      returncode === null ? '' : `: it has returned ${returncode}, but a process that it started keeps its output open`;
    super(`${describe(command.join(' '))} timed out after ${seconds} s${why}`, { cause });
    this.command = command;
    this.timeout = seconds;
    this.returncode = returncode;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** `'TimeoutError'`, because programs check this name. The class has another name, by which another thread finds it. */
  override get name(): string {
    return this === ProcessTimeoutError.prototype ? 'ProcessTimeoutError' : 'TimeoutError';
  }
}
