import { TimeoutError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { type AwaitableCoroutine, libraryCoroutine, newTextDecoder } from '../../kernel/lowlevel.ts';
import { checkBytes } from '../../streams/bytes.ts';
import type { Bytes } from '../../streams/index.ts';
import { waitFor } from '../../tasks/wait-for.ts';
import { CalledProcessError } from './called-process-error.ts';
import { createSubprocessExec } from './create.ts';
import type { SubprocessOptions } from './options.ts';
import type { Process, ProcessOutput } from './process.ts';
import { flag } from './request.ts';
import { PIPE } from './stdio.ts';

/** Options of `runProcess`. `stdout` and `stderr` are pipes when absent. */
export interface RunProcessOptions extends Omit<SubprocessOptions, 'limit' | 'killOnCancel'> {
  /** What it is given to read: bytes, or a string, which is sent as UTF-8. */
  readonly input?: Bytes | undefined;
  /** Makes a return code other than 0 a `CalledProcessError`. */
  readonly check?: boolean | undefined;
  /** How long it may run, in seconds. */
  readonly timeout?: Duration | null | undefined;
  /** Makes text of its output, as `TextDecoder` does; bytes when absent. */
  readonly encoding?: string | undefined;
}

/** How a process ended, and what it has written. */
export interface CompletedProcess<T> {
  /** The exit code, `-N` when signal N ended it. */
  readonly returncode: number;
  /** Nothing when it was no pipe. */
  readonly stdout: T;
  /** Nothing when it was no pipe. */
  readonly stderr: T;
}

/**
 * Runs a program to its end.
 *
 * **Cancellation**: ends the process, as `Process.stop` does, and is passed on then. So does the timeout.
 *
 * Follows CPython's `subprocess.run` with `capture_output=True`.
 *
 * @param program a path, or a name that is looked for in PATH
 * @throws {CalledProcessError} with `check`, when the return code is not 0
 * @throws {TimeoutError} when the time was up; the process has ended then
 * @throws as `createSubprocessExec`
 * @example
 * const { stdout } = await runProcess('sort', ['-n'], { input: '2\n1\n', check: true, encoding: 'utf-8' });
 * console.log(stdout.split('\n')); // [ '1', '2', '' ]
 */
export function runProcess(
  program: string | URL,
  args: readonly string[],
  options: RunProcessOptions & { readonly encoding: string },
): AwaitableCoroutine<CompletedProcess<string>>;
export function runProcess(
  program: string | URL,
  args?: readonly string[],
  options?: RunProcessOptions,
): AwaitableCoroutine<CompletedProcess<Uint8Array>>;
export function runProcess(
  program: string | URL,
  args: readonly string[] = [],
  options: RunProcessOptions = {},
): AwaitableCoroutine<CompletedProcess<Bytes>> {
  if (!Array.isArray(args)) throw typeError(`runProcess: the arguments must be an array, got ${describe(args)}`);
  if (typeof options !== 'object' || options === null)
    throw typeError(`runProcess: the options must be an object, got ${describe(options)}`);
  const { input, check: _check, timeout = null, encoding, ...others } = options;
  if (input !== undefined) checkBytes('runProcess: input', input);
  const decode = decoderOf(encoding);
  const stdin = input === undefined ? others.stdin : PIPE;
  const starting = createSubprocessExec(program, ...args, { stdout: PIPE, stderr: PIPE, ...others, stdin });
  return ran(starting, {
    input: input ?? null,
    seconds: timeout === null ? null : inSeconds(timeout, 'timeout'),
    command: [String(program), ...args],
    check: flag('runProcess', options, 'check'),
    decode,
  });
}

type Decode = (bytes: Uint8Array | null) => Bytes;

function decoderOf(encoding: string | undefined): Decode {
  if (encoding === undefined) return (bytes) => bytes ?? new Uint8Array(0);
  const decoder = newTextDecoder(encoding);
  return (bytes) => (bytes === null ? '' : decoder.decode(bytes));
}

interface Run {
  readonly input: Bytes | null;
  readonly seconds: number | null;
  readonly command: readonly string[];
  readonly check: boolean;
  readonly decode: Decode;
}

const ran = /* @__PURE__ */ libraryCoroutine(function* runProcess(
  starting: AwaitableCoroutine<Process>,
  { input, seconds, command, check, decode }: Run,
): Generator<unknown, CompletedProcess<Bytes>, unknown> {
  const process = yield* starting;
  let output: ProcessOutput;
  try {
    output = yield* waitFor(process.communicate(input), seconds);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new TimeoutError(`${describe(command.join(' '))} has not ended within ${seconds} seconds`, {
      cause: error.cause,
    });
  } finally {
    yield* process.stop();
  }
  const [stdout, stderr] = output;
  const completed = { returncode: process.returncode as number, stdout: decode(stdout), stderr: decode(stderr) };
  if (check && completed.returncode !== 0) throw new CalledProcessError(command, completed);
  return completed;
});
