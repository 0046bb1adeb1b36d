import process from 'node:process';
import { type Command, parseCommandLine } from './command-line.ts';
import { SUCCESS, USAGE } from './exit-codes.ts';
import { HELP, RUN_HELP, TRACE_HELP, version } from './help.ts';
import { runProgram } from './run-command.ts';
import { makePage } from './trace-command.ts';
import { UsageError } from './usage-error.ts';

/** Where the command writes to: `process`, or a test's own. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
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
    return await execute(parseCommandLine(argv), tell, complain);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`asyncio: ${error.message}\nTry 'asyncio --help'.\n`);
    return USAGE;
  }
}

const HELPS = { asyncio: HELP, run: RUN_HELP, trace: TRACE_HELP } as const;

async function execute(
  command: Command,
  tell: (text: string) => void,
  complain: (text: string) => void,
): Promise<number> {
  switch (command.kind) {
    case 'help':
      tell(HELPS[command.topic]);
      return SUCCESS;
    case 'version':
      tell(`asyncio-ts ${version()}\n`);
      return SUCCESS;
    case 'trace':
      makePage(command, tell);
      return SUCCESS;
    case 'run':
      return await runProgram(command, complain);
  }
}
