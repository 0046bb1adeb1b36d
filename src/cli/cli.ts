import process from 'node:process';
import { AttachError } from './attach/attach-error.ts';
import { Interrupted } from './attach/interruption.ts';
import { type Command, parseCommandLine } from './command-line.ts';
import { FAILURE, SUCCESS, USAGE } from './exit-codes.ts';
import { HELP, RUN_HELP, TRACE_HELP, version } from './help.ts';
import { LOOK_HELP } from './look-help.ts';
import type { Output } from './ps/print-look.ts';
import { REPL_HELP } from './repl/repl-help.ts';
import { UsageError } from './usage-error.ts';
import { WORKER_HELP } from './worker/worker-help.ts';

/** Where the command writes to: `process`, or a test's own. */
export interface Streams {
  readonly stdout: { write(text: string): unknown; readonly columns?: number | undefined };
  readonly stderr: { write(text: string): unknown };
}

/**
 * The command `asyncio`.
 *
 * @param argv its arguments, without its name
 * @returns the exit code
 * @throws an error of the program that the runtime should report, after which the process ends with 1
 */
export async function cli(argv: readonly string[], { stdout, stderr }: Streams = process): Promise<number> {
  const tell = (text: string) => stdout.write(text);
  const complain = (text: string) => stderr.write(text);
  try {
    // A terminal that was given no size says 0.
    return await execute(parseCommandLine(argv), { tell, columns: stdout.columns || null }, complain);
  } catch (error) {
    if (error instanceof Interrupted) return error.code;
    if (error instanceof AttachError) {
      complain(`asyncio: ${error.message}\n`);
      return FAILURE;
    }
    if (!(error instanceof UsageError)) throw error;
    complain(`asyncio: ${error.message}\nTry 'asyncio --help'.\n`);
    return USAGE;
  }
}

async function execute(command: Command, output: Output, complain: (text: string) => void): Promise<number> {
  const { tell } = output;
  switch (command.kind) {
    case 'help':
      tell(HELPS[command.topic]);
      return SUCCESS;
    case 'version':
      tell(`asyncio-ts ${version()}\n`);
      return SUCCESS;
    case 'trace':
      (await import('./trace-command.ts')).makePage(command, tell);
      return SUCCESS;
    case 'run':
      return await (await import('./run-command.ts')).runProgram(command, complain);
    // Loaded when they are wanted: a command that looks at another process should answer at once.
    case 'ps':
      return await (await import('./ps/ps-command.ts')).ps(command, output);
    case 'pstree':
      return await (await import('./pstree/pstree-command.ts')).pstree(command, output);
    case 'top':
      return await (await import('./top/top-command.ts')).top(command);
    case 'repl':
      return await (await import('./repl/repl-command.ts')).startRepl(complain);
    case 'worker':
      return await (await import('./worker/worker-command.ts')).runWorker(command, tell, complain);
  }
}

const HELPS = {
  asyncio: HELP,
  run: RUN_HELP,
  trace: TRACE_HELP,
  repl: REPL_HELP,
  worker: WORKER_HELP,
  ...LOOK_HELP,
} as const;
