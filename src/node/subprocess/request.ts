import type { SpawnOptions as RuntimeOptions } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { RuntimeError, ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { nearest } from '../../internal/options.ts';
import { checkWellFormed } from '../../streams/text.ts';
import type { ShellOptions, SpawnOptions } from './options.ts';
import { type Channels, channelsOf, type Stdio } from './stdio.ts';

/** The checked description of a process to start. */
export interface SpawnRequest {
  /** The program, or the command of a shell. */
  readonly program: string;
  readonly args: readonly string[];
  readonly channels: Channels;
  readonly killGroup: boolean;
  readonly runtime: RuntimeOptions & { readonly cwd: string | undefined };
}

type Values = Readonly<Record<string, unknown>>;

const TEXT_HINT =
  'the streams carry bytes; communicate({ encoding }), reader.lines(), reader.readline({ encoding }) and runProcess give text';

/** Names of options from other APIs, with what to write instead. */
const HINTS: Readonly<Record<string, string>> = {
  stdio: 'give stdin, stdout and stderr',
  detached: 'write startNewSession',
  uid: 'write user',
  gid: 'write group',
  executable: 'write argv0 for another name, shell for another shell',
  encoding: TEXT_HINT,
  text: TEXT_HINT,
  universalNewlines: TEXT_HINT,
  bufsize: 'streams are always buffered',
  timeout: 'wait for it in timeout(seconds, …), or use runProcess',
  signal: 'cancel the task that waits, with killOnCancel',
  input: 'give it to communicate(), or use runProcess',
  maxBuffer: 'write limit',
  shell: 'use createSubprocessShell or subprocessShell',
};

const SPAWN = 'stdin stdout stderr cwd env argv0 startNewSession killGroup user group'.split(' ');

/**
 * Checks that options are an object with no other members than these and those that every process has.
 *
 * @throws {TypeError} otherwise
 */
export function checkNames(where: string, options: unknown, known: readonly string[]): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw typeError(`${where}: the options must be an object, got ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (SPAWN.includes(name) || known.includes(name)) continue;
    const hint = Object.hasOwn(HINTS, name) ? `: ${HINTS[name]}` : '';
    const meant = hint === '' ? nearest(name, [...SPAWN, ...known]) : undefined;
    const write = meant === undefined ? '' : `; write { ${meant}: … }`;
    throw typeError(`${where}: there is no option ${describe(name)}${hint}${write}`, 'UNKNOWN_OPTION');
  }
}

/**
 * A program and its arguments as a request.
 *
 * @param otherwise the default for streams
 * @throws {TypeError} or {ValueError}, when an argument or option is wrong
 */
export function execRequest(
  where: string,
  program: unknown,
  args: readonly unknown[],
  options: SpawnOptions,
  otherwise: Stdio,
): SpawnRequest {
  const checked = args.map((arg, index) => checkText(`${where}: argument ${index + 1}`, arg));
  return request(where, checkPath(`${where}: the program`, program), checked, options, false, otherwise);
}

/** A command of the shell as a request. */
export function shellRequest(where: string, command: unknown, options: ShellOptions, otherwise: Stdio): SpawnRequest {
  const shell = options.shell === undefined ? true : checkPath(`${where}: shell`, options.shell);
  return request(where, checkPath(`${where}: the command`, command), [], options, shell, otherwise);
}

function request(
  where: string,
  program: string,
  args: readonly string[],
  options: SpawnOptions,
  shell: string | boolean,
  otherwise: Stdio,
): SpawnRequest {
  const { cwd, env, argv0 } = options;
  const killGroup = flag(where, options, 'killGroup');
  if (killGroup && process.platform === 'win32')
    throw new RuntimeError(`${where}: killGroup does not work on Windows, which has no process groups`, {
      code: 'NOT_SUPPORTED',
    });
  return {
    program,
    args,
    channels: channelsOf(where, options, otherwise),
    killGroup,
    runtime: {
      cwd: cwd === undefined || cwd === null ? undefined : checkPath(`${where}: cwd`, cwd),
      env: env === undefined || env === null ? undefined : checkEnvironment(where, env),
      argv0: argv0 === undefined ? undefined : checkText(`${where}: argv0`, argv0),
      detached: flag(where, options, 'startNewSession') || killGroup,
      uid: checkId(where, options, 'user'),
      gid: checkId(where, options, 'group'),
      shell,
    },
  };
}

function checkText(what: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(`${what} must be a string, got ${describe(value)}`);
  if (value.includes('\0')) throw new ValueError(`${what} holds a null character: ${describe(value)}`);
  checkWellFormed(what, value);
  return value;
}

function checkPath(what: string, value: unknown): string {
  const text = checkText(what, value instanceof URL ? fileURLToPath(value) : value);
  if (text === '') throw new ValueError(`${what} must not be empty`);
  return text;
}

function checkEnvironment(where: string, env: unknown): Record<string, string> {
  if (typeof env !== 'object' || env === null)
    throw typeError(`${where}: env must be an object of strings, got ${describe(env)}`);
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    checkText(`${where}: the name of a variable of env`, name);
    if (name === '' || name.includes('='))
      throw new ValueError(`${where}: env: no variable can be named ${describe(name)}`);
    checked[name] = checkText(`${where}: env.${name}`, value);
  }
  return checked;
}

/** @throws {TypeError} when an option is neither absent nor a boolean */
export function flag(where: string, options: object, name: string): boolean {
  const value = (options as Values)[name] ?? false;
  if (typeof value !== 'boolean') throw typeError(`${where}: ${name} must be true or false, got ${describe(value)}`);
  return value;
}

function checkId(where: string, options: object, name: string): number | undefined {
  const value = (options as Values)[name];
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)) return value;
  throw typeError(`${where}: ${name} must be the number of a ${name}, got ${describe(value)}`);
}
