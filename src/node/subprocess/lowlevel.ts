import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine, newWait, release } from '../../kernel/lowlevel.ts';
import { SubprocessProtocol, type SubprocessTransport } from '../../streams/index.ts';
import type { ShellOptions, SpawnOptions } from './options.ts';
import { checkNames, execRequest, type SpawnRequest, shellRequest } from './request.ts';
import { spawned } from './spawn.ts';
import { PIPE } from './stdio.ts';
import { ChildTransport } from './transport.ts';

/** The arguments of a program, and options after them. */
export type ProgramArguments<O> = readonly string[] | readonly [...args: string[], options: O];

/** The last arguments of a call: those of the program, and the options after them. */
export function splitArguments<O extends object>(rest: ProgramArguments<O>): [args: readonly unknown[], options: O] {
  const last = rest.at(-1);
  if (typeof last !== 'object') return [rest, {} as O];
  return [rest.slice(0, -1), last as O];
}

/** Makes a protocol. */
export type ProtocolFactory<P extends SubprocessProtocol> = () => P;

/**
 * Starts a program, for a protocol. The three streams are pipes unless the options say otherwise.
 *
 * **Cancellation**: kills the process, and waits for its end.
 *
 * Follows CPython's `loop.subprocess_exec`.
 *
 * @param protocolFactory called without arguments for a `SubprocessProtocol`
 * @param program a path, or a name that is looked for in PATH
 * @param rest the program's arguments, then options
 * @returns the transport and the protocol; `connectionMade` has been called
 * @throws {FileNotFoundError} when there is no such program or folder
 * @throws {PermissionError} when the program may not be executed
 * @throws {TypeError} or {ValueError}, at once, when an argument or option is wrong
 * @example
 * class Printer extends SubprocessProtocol {
 *   override pipeDataReceived(fd: number, data: Uint8Array) { console.log(fd, new TextDecoder().decode(data)); }
 * }
 * const [transport] = await subprocessExec(() => new Printer(), 'git', 'status');
 */
export function subprocessExec<P extends SubprocessProtocol>(
  protocolFactory: ProtocolFactory<P>,
  program: string | URL,
  ...rest: ProgramArguments<SpawnOptions>
): AwaitableCoroutine<readonly [transport: SubprocessTransport, protocol: P]> {
  const [args, options] = splitArguments(rest);
  checkNames('subprocessExec', options, []);
  checkFactory('subprocessExec', protocolFactory);
  const request = execRequest('subprocessExec', program, args, options, PIPE);
  return exec(connected(protocolFactory, request)) as AwaitableCoroutine<unknown> as AwaitableCoroutine<
    readonly [SubprocessTransport, P]
  >;
}

/**
 * Starts a command of the shell, for a protocol. As `subprocessExec` otherwise.
 *
 * Follows CPython's `loop.subprocess_shell`.
 *
 * @param command the command for the shell; quote every part that comes from users or other programs, or use `subprocessExec`
 * @throws as `subprocessExec`; if the command does not exist, the shell returns 127
 */
export function subprocessShell<P extends SubprocessProtocol>(
  protocolFactory: ProtocolFactory<P>,
  command: string,
  options: ShellOptions = {},
): AwaitableCoroutine<readonly [transport: SubprocessTransport, protocol: P]> {
  checkNames('subprocessShell', options, ['shell']);
  checkFactory('subprocessShell', protocolFactory);
  const request = shellRequest('subprocessShell', command, options, PIPE);
  return shell(connected(protocolFactory, request)) as AwaitableCoroutine<unknown> as AwaitableCoroutine<
    readonly [SubprocessTransport, P]
  >;
}

function checkFactory(where: string, factory: unknown): void {
  if (typeof factory !== 'function')
    throw typeError(`${where}: the first argument must be a function that makes a protocol, got ${describe(factory)}`);
}

type Connecting = Generator<unknown, readonly [transport: ChildTransport, protocol: SubprocessProtocol], unknown>;

// One for each function that a program calls, because a coroutine is told by the name of its function.

const exec = /* @__PURE__ */ libraryCoroutine(function* subprocessExec(connecting: Connecting) {
  return yield* connecting;
});

const shell = /* @__PURE__ */ libraryCoroutine(function* subprocessShell(connecting: Connecting) {
  return yield* connecting;
});

/** Starts a process, and connects it with a new protocol. */
export function* connected(factory: ProtocolFactory<SubprocessProtocol>, request: SpawnRequest): Connecting {
  const loop = getRunningLoop();
  const protocol: unknown = factory();
  if (!(protocol instanceof SubprocessProtocol))
    throw typeError(`the protocol factory must return a SubprocessProtocol, got ${describe(protocol)}`);
  const transport = new ChildTransport(loop, protocol, yield* spawned(loop, request), request.killGroup);
  // The protocol's turn is before ours.
  const made = newWait(loop, { operation: 'connectionMade', object: transport });
  loop.callSoon(release, made);
  try {
    yield* made;
  } catch (error) {
    transport.close();
    yield* reaped(transport, transport);
    throw error;
  }
  return [transport, protocol];
}

/** Waits for the end of a killed process, even if it is cancelled during the wait. */
export function* reaped(transport: ChildTransport, object: object): Generator<unknown, void, unknown> {
  let interruption: { readonly error: unknown } | null = null;
  while (transport.getReturncode() === null) {
    try {
      yield* transport.exited(object);
    } catch (error) {
      interruption ??= { error };
      transport.kill();
    }
  }
  if (interruption !== null) throw interruption.error;
}
