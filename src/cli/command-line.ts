import { split } from './arguments.ts';
import { isLookName, type LookCommand, type LookName, parseLook } from './look-arguments.ts';
import { parseRepl, type ReplCommand } from './repl/repl-arguments.ts';
import { UsageError } from './usage-error.ts';
import { parseWorker, type WorkerCommand } from './worker/worker-arguments.ts';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help'; readonly topic: 'asyncio' | 'run' | 'trace' | 'repl' | 'worker' | LookName }
  | { readonly kind: 'version' }
  | RunCommand
  | TraceCommand
  | LookCommand
  | ReplCommand
  | WorkerCommand;

/** `asyncio run FILE [args]`. */
export interface RunCommand {
  readonly kind: 'run';
  readonly file: string;
  /** Everything after the file belongs to the program, even if it looks like an option. */
  readonly args: readonly string[];
  readonly debug: boolean;
  /** The file for a trace of the run. */
  readonly trace?: string;
}

/** `asyncio trace FILE`. */
export interface TraceCommand {
  readonly kind: 'trace';
  readonly file: string;
  /** The page; `-` for the standard output, `null` for one beside the file. */
  readonly output: string | null;
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;
const GLOBAL_OPTIONS = { ...HELP, version: { type: 'boolean', short: 'v' } } as const;
const RUN_OPTIONS = { ...HELP, debug: { type: 'boolean' }, trace: { type: 'string' } } as const;
const TRACE_OPTIONS = { ...HELP, output: { type: 'string', short: 'o' } } as const;

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
  if (name === 'trace') return parseTrace(rest);
  if (isLookName(name)) return parseLook(name, rest);
  if (name === 'repl') return parseRepl(rest);
  if (name === 'worker') return parseWorker(rest);
  if (name === undefined) throw new UsageError('a command is missing: write asyncio run FILE');
  const hint = /\.[cm]?[jt]s$/.test(name)
    ? `write asyncio run ${name}`
    : 'the commands are ps, pstree, repl, run, top, trace and worker';
  throw new UsageError(`unknown command '${name}': ${hint}`);
}

function parseRun(argv: readonly string[]): Command {
  const { values, operands } = split(argv, RUN_OPTIONS);
  if (values.help === true) return { kind: 'help', topic: 'run' };
  const [file, ...args] = operands;
  if (file === undefined) throw new UsageError('run: a file is missing: write asyncio run FILE');
  if (values.trace === '') throw new UsageError('run: --trace is empty: write asyncio run --trace trace.json FILE');
  const traced = values.trace === undefined ? {} : { trace: values.trace };
  return { kind: 'run', file, args, debug: values.debug === true, ...traced };
}

function parseTrace(argv: readonly string[]): Command {
  const { values, operands } = split(argv, TRACE_OPTIONS);
  if (values.help === true) return { kind: 'help', topic: 'trace' };
  const [file, ...more] = operands;
  if (file === undefined) throw new UsageError('trace: a file is missing: write asyncio trace FILE');
  if (more.length > 0)
    throw new UsageError(`trace: one file is expected, and ${more[0]} is one more; options come before it`);
  return { kind: 'trace', file, output: values.output ?? null };
}
