import { isCancelledError } from '../../errors/errors.ts';
import { ValueError } from '../../errors/index.ts';
import { BrokenPipeError, ConnectionResetError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe, nameOfClass } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { checkOptions } from '../../internal/options.ts';
import { type AwaitableCoroutine, libraryCoroutine, runningTask } from '../../kernel/lowlevel.ts';
import { bindMethods } from '../../streams/bound.ts';
import { checkBytes } from '../../streams/bytes.ts';
import type { BaseTransport, Bytes, SignalLike, StreamReader, StreamWriter } from '../../streams/index.ts';
import type { Decoder } from '../../streams/text.ts';
import { gather } from '../../tasks/gather.ts';
import { checkSignal } from './signals.ts';
import { stopped } from './stop.ts';
import type { SubprocessStreamProtocol } from './stream-protocol.ts';
import { type AsText, outputDecoderOf, TEXT_OPTIONS, type TextOutputOptions } from './text-output.ts';
import type { ChildTransport } from './transport.ts';

/** Options for ending a process. */
export interface EndOptions {
  /** See `SubprocessOptions.killOnCancel`. */
  readonly killOnCancel: boolean;
  /** In seconds. */
  readonly gracePeriod: number;
}

/** Options of `Process.stop`. */
export interface StopOptions {
  /** The first signal to send; `'SIGTERM'` when absent. */
  readonly signal?: SignalLike | undefined;
  /** How long it may take before it is killed, in seconds; when absent, the value with which the process was started. */
  readonly gracePeriod?: Duration | undefined;
}

/** The output of a process, by position and by name: `null` where an output is not a pipe. */
export type ProcessOutput<T extends Bytes = Uint8Array> = readonly [stdout: T | null, stderr: T | null] & {
  readonly stdout: T | null;
  readonly stderr: T | null;
};

/** Options of `Process.communicate`. */
export interface CommunicateOptions extends TextOutputOptions {
  /** Bytes, or a string, which is sent as UTF-8. */
  readonly input?: Bytes | null | undefined;
}

/**
 * A process that was started. `createSubprocessExec` and `createSubprocessShell` make it.
 *
 * It keeps running when no task waits for it, until its loop is closed. With `await using` it ends with the block: it is sent
 * `SIGTERM`, and killed after its grace period.
 *
 * Follows CPython's `asyncio.subprocess.Process`.
 *
 * @example
 * await using process = await createSubprocessExec('sort', '-n', { stdin: PIPE, stdout: PIPE });
 * const [stdout] = await process.communicate('3\n1\n2\n');
 * console.log(process.returncode, new TextDecoder().decode(stdout!).split('\n')); // 0 [ '1', '2', '3', '' ]
 */
export class Process implements AsyncDisposable {
  static {
    inspectAsText(Process.prototype);
  }

  /** Its number in the system. */
  readonly pid: number;
  /** Writes its input; `null` unless that is a pipe. */
  readonly stdin: StreamWriter | null;
  /** Reads its output; `null` unless that is a pipe. */
  readonly stdout: StreamReader | null;
  /** Reads its error output; `null` unless that is a pipe of its own. */
  readonly stderr: StreamReader | null;
  readonly #transport: ChildTransport;
  readonly #ending: EndOptions;
  /** Whether a `communicate` has begun to write its input. It closes the pipe after that, so no other one can write more. */
  #isFed = false;

  /** @internal */
  constructor(transport: ChildTransport, protocol: SubprocessStreamProtocol, ending: EndOptions) {
    this.#transport = transport;
    this.#ending = ending;
    this.pid = transport.getPid();
    this.stdin = protocol.stdin;
    this.stdout = protocol.stdout;
    this.stderr = protocol.stderr;
    bindMethods(this, 'sendSignal', 'terminate', 'kill');
  }

  /** Its exit code, `-N` when signal N ended it, `null` while it runs. */
  get returncode(): number | null {
    return this.#transport.getReturncode();
  }

  /**
   * Waits until the process has ended; another process that it has started may still have its pipes open. Output that is not read can fill
   * a pipe and keep the process from ending: `communicate` reads it.
   *
   * **Cancellation**: ends the wait, the process keeps running; with `killOnCancel` it is ended before the cancellation is passed on.
   *
   * Follows CPython's `Process.wait`.
   *
   * @returns the return code: its exit code, or `-N` when signal N ended it
   */
  wait(): AwaitableCoroutine<number> {
    return Process.#wait(this);
  }

  /**
   * Writes its input and closes it, reads all of its output, and waits for its end. All of this happens at the same time, so that the
   * process cannot block; that the process does not read its input to the end is not an error.
   *
   * **Cancellation**: as `wait`; the input stays written, and no output is lost: call it again, without input, for all of it.
   *
   * Follows CPython's `Process.communicate`.
   *
   * @param given bytes, or a string, which is sent as UTF-8; or options. `encoding`, or `text: true` for UTF-8, gives strings
   * @returns its output and its error output, by position and as `stdout` and `stderr`; `null` for what is not a pipe
   * @throws {ValueError} at once, when there is input but no pipe for it; when it is awaited, if there is input and an earlier `communicate`
   * has begun; when the output is not valid in the encoding
   * @throws {TypeError} at once, when the input is neither bytes nor a string, or an option is unknown
   * @example
   * const process = await createSubprocessShell('tr a-z A-Z', { stdin: PIPE, stdout: PIPE });
   * const { stdout } = await process.communicate({ input: 'quiet', encoding: 'utf-8' });
   * console.log(stdout); // QUIET
   */
  communicate(input?: Bytes | null): AwaitableCoroutine<ProcessOutput>;
  communicate(options: CommunicateOptions & AsText): AwaitableCoroutine<ProcessOutput<string>>;
  communicate(options: CommunicateOptions): AwaitableCoroutine<ProcessOutput<Bytes>>;
  communicate(given: Bytes | null | CommunicateOptions = null): AwaitableCoroutine<ProcessOutput<Bytes>> {
    const isByName = typeof given === 'object' && given !== null && !(given instanceof Uint8Array);
    const { input = null, ...others }: CommunicateOptions = isByName ? given : { input: given };
    for (const name of Object.keys(others)) {
      if (!TEXT_OPTIONS.includes(name))
        throw typeError(
          `communicate: there is no option ${describe(name)}; write communicate(input) or communicate({ input, encoding })`,
          'UNKNOWN_OPTION',
        );
    }
    if (input !== null) {
      checkBytes('communicate', input);
      if (this.stdin === null)
        throw new ValueError(
          'communicate: there is input, but no pipe for it; start the process with { stdin: PIPE }',
          {
            code: 'NO_PIPE',
          },
        );
    }
    return Process.#communicate(this, input, outputDecoderOf('communicate', others));
  }

  /** Takes the output that was not read yet. @internal */
  takeOutput(): readonly [stdout: Uint8Array | null, stderr: Uint8Array | null] {
    return [this.stdout?.takeUnread() ?? null, this.stderr?.takeUnread() ?? null];
  }

  /**
   * Sends it a signal. Nothing happens when it has just ended.
   *
   * Follows CPython's `Process.send_signal`.
   *
   * @param signal a name (`'SIGINT'`) or a number
   * @throws {ProcessLookupError} when it has ended and its pipes are closed
   * @throws {PermissionError} when it runs as another user
   * @throws {TypeError} when the signal is neither a name nor a number
   * @throws {ValueError} when there is no such signal
   */
  sendSignal(signal: SignalLike): void {
    this.#transport.sendSignal(signal);
  }

  /** Asks it to end: sends `SIGTERM`. Follows CPython's `Process.terminate`. */
  terminate(): void {
    this.#transport.terminate();
  }

  /** Ends it: sends `SIGKILL`. Follows CPython's `Process.kill`. */
  kill(): void {
    this.#transport.kill();
  }

  /**
   * Ends it and waits for its end: sends a signal, and kills it when it takes longer than its grace period. Its pipes are closed
   * afterwards. Has no effect when it has ended.
   *
   * **Cancellation**: kills it at once, and still waits for its end.
   *
   * @returns the return code
   * @throws as `sendSignal`
   * @example
   * const server = await createSubprocessExec('sleep', '1000');
   * console.log(await server.stop({ gracePeriod: 2 })); // -15
   */
  stop(options: StopOptions = {}): AwaitableCoroutine<number> {
    checkOptions('stop', options, ['signal', 'gracePeriod']);
    const { signal = 'SIGTERM', gracePeriod } = options;
    checkSignal('stop', signal);
    const seconds = gracePeriod === undefined ? this.#ending.gracePeriod : checkGrace('stop', gracePeriod);
    return Process.#stop(this, signal, seconds);
  }

  /**
   * As `stop`, when a block is left that has it with `await using`.
   *
   * **Cancellation**: as `stop`. When the block ends because of a cancellation, that one is thrown, and further ones only speed up the
   * end, because JavaScript would combine both into a `SuppressedError`.
   */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return Process.#dispose(this);
  }

  static readonly #wait = /* @__PURE__ */ libraryCoroutine(function* wait(
    process: Process,
  ): Generator<unknown, number, unknown> {
    try {
      return yield* process.#transport.exited(process);
    } catch (error) {
      return yield* process.#interrupted(error);
    }
  });

  static readonly #communicate = /* @__PURE__ */ libraryCoroutine(function* communicate(
    process: Process,
    input: Bytes | null,
    decoder: Decoder | null,
  ): Generator<unknown, ProcessOutput<Bytes>, unknown> {
    const { stdout, stderr } = process;
    if (process.#isFed && input !== null && input.length > 0)
      throw new ValueError(
        `communicate: input for ${process} would be lost, because an earlier communicate() closes the input pipe; ` +
          'call communicate() without input for the output; to send input in parts, write it to process.stdin',
        { code: 'INPUT_CLOSED' },
      );
    const pipe = (fd: number) => process.#transport.getPipeTransport(fd);
    try {
      const [, output, errors] = yield* gather(
        Process.#feed(process, input),
        drained(stdout, pipe(1)),
        drained(stderr, pipe(2)),
      );
      yield* process.#transport.exited(process);
      return outputOf(output, errors, decoder);
    } catch (error) {
      return yield* process.#interrupted(error);
    }
  });

  /** Writes its input and closes it, whether or not it reads that. */
  static readonly #feed = /* @__PURE__ */ libraryCoroutine(function* feedStdin(
    process: Process,
    input: Bytes | null,
  ): Generator<unknown, void, unknown> {
    const { stdin } = process;
    process.#isFed = true;
    if (stdin === null) return;
    try {
      if (input !== null) stdin.write(input);
      yield* stdin.drain();
    } catch (error) {
      if (!(error instanceof BrokenPipeError || error instanceof ConnectionResetError)) throw error;
    }
    stdin.close();
  });

  static readonly #stop = /* @__PURE__ */ libraryCoroutine(function* stop(
    process: Process,
    signal: SignalLike,
    grace: number,
  ): Generator<unknown, number, unknown> {
    yield* stopped(process.#transport, process, signal, grace);
    return process.returncode as number;
  });

  static readonly #dispose = /* @__PURE__ */ libraryCoroutine(function* dispose(
    process: Process,
  ): Generator<unknown, void, unknown> {
    const isBeingCancelled = (runningTask()?.cancelling() ?? 0) > 0;
    try {
      yield* stopped(process.#transport, process, 'SIGTERM', process.#ending.gracePeriod);
    } catch (error) {
      if (!(isBeingCancelled && isCancelledError(error))) throw error;
    }
  });

  /** A wait was cancelled, which may have to end the process too. */
  *#interrupted(error: unknown): Generator<unknown, never, unknown> {
    const { killOnCancel, gracePeriod } = this.#ending;
    if (killOnCancel && isCancelledError(error)) yield* stopped(this.#transport, this, 'SIGTERM', gracePeriod);
    throw error;
  }

  toString(): string {
    const { returncode } = this;
    return `<${nameOfClass(this)} ${this.pid} [${returncode === null ? 'running' : `returncode=${returncode}`}]>`;
  }
}

function outputOf(out: Uint8Array | null, err: Uint8Array | null, decoder: Decoder | null): ProcessOutput<Bytes> {
  const decoded = (bytes: Uint8Array | null): Bytes | null =>
    bytes === null || decoder === null ? bytes : decoder.decode(bytes);
  const stdout = decoded(out);
  const stderr = decoded(err);
  const output = [stdout, stderr] as const;
  // The names are not enumerable, so that it is compared and printed as a pair, as in Python.
  return Object.defineProperties(output, { stdout: { value: stdout }, stderr: { value: stderr } }) as typeof output & {
    readonly stdout: Bytes | null;
    readonly stderr: Bytes | null;
  };
}

/** Reads an output of a process to its end. */
const drained = /* @__PURE__ */ libraryCoroutine(function* readOutput(
  stream: StreamReader | null,
  transport: BaseTransport | null,
): Generator<unknown, Uint8Array | null, unknown> {
  if (stream === null) return null;
  const output = yield* stream.read();
  transport?.close();
  return output;
});

/** @throws {TypeError} or {ValueError}, when the grace period is not a valid time */
export function checkGrace(where: string, gracePeriod: Duration): number {
  const seconds = inSeconds(gracePeriod, 'gracePeriod');
  if (seconds < 0) throw new ValueError(`${where}: gracePeriod must not be negative, got ${describe(gracePeriod)}`);
  return seconds;
}
