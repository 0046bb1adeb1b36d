import { TimeoutError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { type AwaitableCoroutine, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { checkBytes } from '../../streams/bytes.ts';
import type { Bytes } from '../../streams/index.ts';
import type { Decoder } from '../../streams/text.ts';
import { waitFor } from '../../tasks/wait-for.ts';
import { CalledProcessError } from './called-process-error.ts';
import { execution, PROCESS_OPTIONS } from './create.ts';
import type { SubprocessOptions } from './options.ts';
import type { Process, ProcessOutput } from './process.ts';
import { ProcessTimeoutError } from './process-timeout-error.ts';
import { checkNames, flag } from './request.ts';
import { PIPE } from './stdio.ts';
import { type AsText, outputDecoderOf, type TextOutputOptions } from './text-output.ts';

/** Options of `runProcess`. `stdout` and `stderr` are pipes when absent. */
export interface RunProcessOptions extends Omit<SubprocessOptions, 'limit' | 'killOnCancel'>, TextOutputOptions {
  /** Its input: bytes, or a string, which is sent as UTF-8. */
  readonly input?: Bytes | undefined;
  /** Throws a `CalledProcessError` when the return code is not 0. */
  readonly check?: boolean | undefined;
  /** How long it may run, in seconds. */
  readonly timeout?: Duration | null | undefined;
}

/** The return code and the output of a process. */
export interface CompletedProcess<T> {
  /** The exit code, `-N` when signal N ended it. */
  readonly returncode: number;
  /** Empty when the stream was not a pipe. */
  readonly stdout: T;
  /** Empty when the stream was not a pipe. */
  readonly stderr: T;
}

/**
 * Runs a program to its end.
 *
 * **Cancellation**: ends the process, as `Process.stop` does, and is thrown after that. A timeout does the same.
 *
 * Follows CPython's `subprocess.run` with `capture_output=True`.
 *
 * @param program a path, or a name that is looked for in PATH
 * @param options `encoding`, or `text: true` for UTF-8, gives strings instead of bytes
 * @throws {CalledProcessError} with `check`, when the return code is not 0
 * @throws {TimeoutError} when the time limit has passed; the process has ended then. It has `stdout` and `stderr`, as far as they were
 * read, and the
 * `returncode`, `null` when the process had not ended by itself: see `ProcessTimeoutError`
 * @throws {ValueError} when the output is not valid in the encoding
 * @throws as `createSubprocessExec`
 * @example
 * const { stdout } = await runProcess('sort', ['-n'], { input: '2\n1\n', check: true, encoding: 'utf-8' });
 * console.log(stdout.split('\n')); // [ '1', '2', '' ]
 */
export function runProcess(
  program: string | URL,
  args: readonly string[],
  options: RunProcessOptions & AsText,
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
  checkNames('runProcess', options, [...PROCESS_OPTIONS, 'input', 'check', 'timeout', 'encoding', 'errors', 'text']);
  const { input, check: _check, timeout = null, encoding, errors, text, ...others } = options;
  if (input !== undefined) checkBytes('runProcess: input', input);
  const decoder = outputDecoderOf('runProcess', { encoding, errors, text });
  const lenient = decoder && outputDecoderOf('runProcess', { encoding, text, errors: 'replace' });
  const stdin = input === undefined ? others.stdin : PIPE;
  const starting = execution(program, args, { stdout: PIPE, stderr: PIPE, ...others, stdin });
  return ran(starting, {
    input: input ?? null,
    seconds: timeout === null ? null : inSeconds(timeout, 'timeout'),
    command: [String(program), ...args],
    check: flag('runProcess', options, 'check'),
    decode: decodeBy(decoder),
    decodePart: decodeBy(lenient),
  });
}

type Decode = (bytes: Uint8Array | null) => Bytes;

function decodeBy(decoder: Decoder | null): Decode {
  if (decoder === null) return (bytes) => bytes ?? new Uint8Array(0);
  return (bytes) => (bytes === null ? '' : decoder.decode(bytes));
}

interface Run {
  readonly input: Bytes | null;
  readonly seconds: number | null;
  readonly command: readonly string[];
  readonly check: boolean;
  readonly decode: Decode;
  /** For output that may be cut off inside a character. */
  readonly decodePart: Decode;
}

const ran = /* @__PURE__ */ libraryCoroutine(function* runProcess(
  starting: Generator<unknown, Process, unknown>,
  { input, seconds, command, check, decode, decodePart }: Run,
): Generator<unknown, CompletedProcess<Bytes>, unknown> {
  const process = yield* starting;
  let output: ProcessOutput;
  try {
    output = yield* waitFor(process.communicate(input), seconds);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const { returncode } = process; // read it before the process is ended
    yield* process.stop();
    const [stdout, stderr] = process.takeOutput().map(decodePart) as [Bytes, Bytes];
    throw new ProcessTimeoutError(command, {
      seconds: seconds as number,
      returncode,
      stdout,
      stderr,
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
