import { split } from './arguments.ts';
import { isLookName, type LookCommand, type LookName, parseLook } from './look-arguments.ts';
import { parseRepl, type ReplCommand } from './repl/repl-arguments.ts';
import { UsageError } from './usage-error.ts';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help'; readonly topic: 'asyncio' | 'run' | 'repl' | LookName }
  | { readonly kind: 'version' }
  | RunCommand
  | LookCommand
  | ReplCommand;

/** `asyncio run FILE [args]`. */
export interface RunCommand {
  readonly kind: 'run';
  readonly file: string;
  /** Everything after the file belongs to the program, even if it looks like an option. */
  readonly args: readonly string[];
  readonly debug: boolean;
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;
const GLOBAL_OPTIONS = { ...HELP, version: { type: 'boolean', short: 'v' } } as const;
const RUN_OPTIONS = { ...HELP, debug: { type: 'boolean' } } as const;

/**
 * Reads the arguments of the command, without its name.
 *
 * @throws {UsageError} when they are wrong
 */
export function parseCommandLine(argv: readonly string[]): Command {
  const { values, operands } = split(argv, GLOBAL_OPTIONS);
  if (values.help === true) return { kind: 'help', topic: 'asyncio' };
  if (values.version === true) return { kind: 'version' };
  const [name, ...rest] = operands;
  if (name === 'run') return parseRun(rest);
  if (isLookName(name)) return parseLook(name, rest);
  if (name === 'repl') return parseRepl(rest);
  if (name === undefined) throw new UsageError('a command is missing: write asyncio run FILE');
  const hint = /\.[cm]?[jt]s$/.test(name)
    ? `write asyncio run ${name}`
    : 'the commands are ps, pstree, repl, run and top';
  throw new UsageError(`unknown command '${name}': ${hint}`);
}

function parseRun(argv: readonly string[]): Command {
  const { values, operands } = split(argv, RUN_OPTIONS);
  if (values.help === true) return { kind: 'help', topic: 'run' };
  const [file, ...args] = operands;
  if (file === undefined) throw new UsageError('run: a file is missing: write asyncio run FILE');
  return { kind: 'run', file, args, debug: values.debug === true };
}
