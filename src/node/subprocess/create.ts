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
  checkNames('createSubprocessExec', options, PROCESS_OPTIONS);
  const request = execRequest('createSubprocessExec', program, args, options, null);
  return created(request, ...checkProcess('createSubprocessExec', options));
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
  return created(request, ...checkProcess('createSubprocessShell', options));
}

/** Checks the options that are not used for starting. */
function checkProcess(where: string, options: SubprocessOptions): [limit: number | undefined, ending: EndOptions] {
  const { limit, gracePeriod = DEFAULT_GRACE } = options;
  checkByteLimit(where, limit);
  const killOnCancel = flag(where, options, 'killOnCancel');
  return [limit, { killOnCancel, gracePeriod: checkGrace(where, gracePeriod) }];
}

const created = /* @__PURE__ */ libraryCoroutine(function* createSubprocess(
  request: SpawnRequest,
  limit: number | undefined,
  ending: EndOptions,
): Generator<unknown, Process, unknown> {
  const [transport, protocol] = yield* connected(() => new SubprocessStreamProtocol({ limit }), request);
  return new Process(transport, protocol as SubprocessStreamProtocol, ending);
});
