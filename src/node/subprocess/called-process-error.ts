import { describe } from '../../internal/describe.ts';
import type { Bytes } from '../../streams/index.ts';
import { signalName } from './signals.ts';

/** The return code and the output of a process. */
interface Outcome {
  readonly returncode: number;
  readonly stdout: Bytes;
  readonly stderr: Bytes;
}

/**
 * A process that was run with `check` returned another code than 0.
 *
 * Follows CPython's `subprocess.CalledProcessError`.
 */
export class CalledProcessError extends Error {
  readonly code = 'PROCESS_FAILED';
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The exit code, `-N` when signal N ended it. */
  readonly returncode: number;
  /** Its output; text when an encoding was given. */
  readonly stdout: Bytes;
  /** Its error output. */
  readonly stderr: Bytes;

  constructor(command: readonly string[], { returncode, stdout, stderr }: Outcome) {
    const how = returncode < 0 ? `was ended by ${signalName(-returncode)}` : `returned ${returncode}`;
    super(`${describe(command.join(' '))} ${how}${lastLine(stderr)}`);
    this.command = command;
    this.returncode = returncode;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  override get name(): string {
    return 'CalledProcessError';
  }
}

/** The last line that a process has written, which usually says what was wrong. */
function lastLine(stderr: Bytes): string {
  const text = typeof stderr === 'string' ? stderr : new TextDecoder().decode(stderr);
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line}`;
}
