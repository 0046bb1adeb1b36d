import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';

/**
 * For `stdin`, `stdout` and `stderr` of a process: a pipe to this program.
 *
 * Follows CPython's `asyncio.subprocess.PIPE`.
 */
export const PIPE: unique symbol = /* @__PURE__ */ Symbol('PIPE');

/**
 * For `stderr` of a process: the same place as its standard output, in the order in which it is written.
 *
 * Follows CPython's `asyncio.subprocess.STDOUT`.
 */
export const STDOUT: unique symbol = /* @__PURE__ */ Symbol('STDOUT');

/**
 * For `stdin`, `stdout` and `stderr` of a process: the input is empty, and all output is dropped.
 *
 * Follows CPython's `asyncio.subprocess.DEVNULL`.
 */
export const DEVNULL: unique symbol = /* @__PURE__ */ Symbol('DEVNULL');

/**
 * The target of a standard stream of a process: `PIPE`, `DEVNULL`, an open file by its descriptor or an object that has one as `fd` (a
 * `FileHandle`, `process.stderr`), or `null` for the same stream of this program.
 */
export type Stdio = typeof PIPE | typeof DEVNULL | number | { readonly fd: number } | null;

/** The same for `stderr`, which may also go to `STDOUT`. */
export type StderrStdio = Stdio | typeof STDOUT;

/** The target of a stream, in the form of the runtime. */
type Channel = 'pipe' | 'ignore' | 'inherit' | number;

/** The targets of the three streams of a process. */
export interface Channels {
  readonly stdin: Channel;
  readonly stdout: Channel;
  /** `merged`: the pipe of the standard output. */
  readonly stderr: Channel | 'merged';
}

/** The targets that a program has given. */
export interface StdioOptions {
  readonly stdin?: Stdio | undefined;
  readonly stdout?: Stdio | undefined;
  readonly stderr?: StderrStdio | undefined;
}

const HINTS: Readonly<Record<string, string>> = { pipe: 'PIPE', ignore: 'DEVNULL', inherit: 'null' };

/**
 * @param where the function that was called, for messages
 * @param otherwise the target of an absent stream
 * @throws {TypeError} when one is not a possible target
 * @throws {ValueError} when it is not an open file
 */
export function channelsOf(where: string, options: StdioOptions, otherwise: Stdio): Channels {
  const { stdin = otherwise, stdout = otherwise, stderr = otherwise } = options;
  const out = channelOf(`${where}: stdout`, stdout);
  return {
    stdin: channelOf(`${where}: stdin`, stdin),
    stdout: out,
    stderr: stderr === STDOUT ? asOutput(out) : channelOf(`${where}: stderr`, stderr),
  };
}

function asOutput(stdout: Channel): Channels['stderr'] {
  if (stdout === 'pipe') return 'merged';
  return stdout === 'inherit' ? 1 : stdout;
}

function channelOf(what: string, stdio: unknown): Channel {
  if (stdio === PIPE) return 'pipe';
  if (stdio === DEVNULL) return 'ignore';
  if (stdio === null) return 'inherit';
  if (typeof stdio === 'number') return checkDescriptor(what, stdio);
  if (typeof stdio === 'object' && typeof (stdio as { fd?: unknown }).fd === 'number')
    return checkDescriptor(what, (stdio as { fd: number }).fd);
  if (stdio === STDOUT) throw new ValueError(`${what} cannot be STDOUT, only stderr can`, { code: 'INVALID_STDIO' });
  const meant = typeof stdio === 'string' ? HINTS[stdio] : undefined;
  throw typeError(
    `${what} must be PIPE, DEVNULL, a file descriptor, an object with one as fd, or null, got ${describe(stdio)}` +
      (meant === undefined ? '' : `; write ${meant}`),
    'INVALID_STDIO',
  );
}

function checkDescriptor(what: string, fd: number): number {
  if (Number.isInteger(fd) && fd >= 0) return fd;
  throw new ValueError(`${what} is not an open file: ${fd} is not a file descriptor`, { code: 'INVALID_STDIO' });
}
