import { type AwaitableCoroutine, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { checkByteLimit } from '../../streams/limit.ts';
import { connected, type ProgramArguments, splitArguments } from './lowlevel.ts';
import type { SubprocessOptions, SubprocessShellOptions } from './options.ts';
import { checkGrace, type EndOptions, Process } from './process.ts';
import { checkNames, execRequest, flag, type SpawnRequest, shellRequest } from './request.ts';
import { SubprocessStreamProtocol } from './stream-protocol.ts';

/** Options of streams and of ending, which starting does not know. */
export const PROCESS_OPTIONS: readonly string[] = ['limit', 'killOnCancel', 'gracePeriod'];

/** How long a process may take to end, in seconds. */
const DEFAULT_GRACE = 5;

/**
 * Starts a program. Its standard streams are those of this program unless the options say otherwise; with `PIPE` they are streams.
 *
 * **Cancellation**: before the `Process` is returned, the process is killed, and its end is waited for. Later it is ended only
 * by the end of its loop, `await using`, `killOnCancel`, or a signal.
 *
 * Follows CPython's `asyncio.create_subprocess_exec`.
 *
 * @param program a path, or a name that is looked for in PATH
 * @param rest the program's arguments, which do not go through a shell, then options
 * @throws {FileNotFoundError} when there is no such program, or no such folder; the message says which
 * @throws {PermissionError} when the program may not be executed, or the folder cannot be entered
 * @throws {OSError} when the system refuses for another reason
 * @throws {TypeError} or {ValueError}, at once, when an argument or option is wrong
 * @example
 * const process = await createSubprocessExec('ls', '-l', { stdout: PIPE, cwd: '/' });
 * for await (const line of process.stdout!.lines()) console.log(line);
 * console.log(await process.wait()); // 0
 */
export function createSubprocessExec(
  program: string | URL,
  ...rest: ProgramArguments<SubprocessOptions>
): AwaitableCoroutine<Process> {
  const [args, options] = splitArguments(rest);
  return exec(execution(program, args, options));
}

const exec = /* @__PURE__ */ libraryCoroutine(function* createSubprocessExec(starting: Starting) {
  return yield* starting;
});

/**
 * Starts a process when it is run. Each function that a program calls runs it in a coroutine of its own, because debug mode, tasks and call
 * graphs tell of a coroutine by the name of its function.
 */
type Starting = Generator<unknown, Process, unknown>;

/** Checks at once what `createSubprocessExec` was called with. @internal */
export function execution(program: string | URL, args: readonly unknown[], options: SubprocessOptions): Starting {
  checkNames('createSubprocessExec', options, PROCESS_OPTIONS);
  const request = execRequest('createSubprocessExec', program, args, options, null);
  return started(request, ...checkProcess('createSubprocessExec', options));
}

/**
 * Starts a command of the shell. As `createSubprocessExec` otherwise.
 *
 * The process is the shell: a signal need not reach the programs that it runs. With `killGroup` it does.
 *
 * Follows CPython's `asyncio.create_subprocess_shell`.
 *
 * @param command the command for the shell; quote every part that comes from users or other programs, or use `createSubprocessExec`
 * @throws as `createSubprocessExec`; if the command does not exist, the shell returns 127
 * @example
 * const process = await createSubprocessShell('echo one; echo two >&2', { stdout: PIPE, stderr: STDOUT });
 * const [output] = await process.communicate();
 * console.log(new TextDecoder().decode(output!).split('\n').length); // 3
 */
export function createSubprocessShell(
  command: string,
  options: SubprocessShellOptions = {},
): AwaitableCoroutine<Process> {
  checkNames('createSubprocessShell', options, [...PROCESS_OPTIONS, 'shell']);
  const request = shellRequest('createSubprocessShell', command, options, null);
  return shell(started(request, ...checkProcess('createSubprocessShell', options)));
}

const shell = /* @__PURE__ */ libraryCoroutine(function* createSubprocessShell(starting: Starting) {
  return yield* starting;
});

/** Checks the options that are not used for starting. */
function checkProcess(where: string, options: SubprocessOptions): [limit: number | undefined, ending: EndOptions] {
  const { limit, gracePeriod = DEFAULT_GRACE } = options;
  checkByteLimit(where, limit);
  const killOnCancel = flag(where, options, 'killOnCancel');
  return [limit, { killOnCancel, gracePeriod: checkGrace(where, gracePeriod) }];
}

function* started(request: SpawnRequest, limit: number | undefined, ending: EndOptions): Starting {
  const [transport, protocol] = yield* connected(() => new SubprocessStreamProtocol({ limit }), request);
  return new Process(transport, protocol as SubprocessStreamProtocol, ending);
}
