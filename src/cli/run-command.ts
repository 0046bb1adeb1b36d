import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { RunCommand } from './command-line.ts';
import { FAILURE, INTERRUPTED, SUCCESS } from './exit-codes.ts';
import { reportFailure } from './failure-report.ts';
import { FailureTrail } from './failure-trail.ts';
import { type Library, type LoadedLibrary, libraryOf } from './library.ts';
import { type Exports, findMain, locate, nothingToRun } from './program.ts';
import { isSameFile } from './same-file.ts';
import { isPlacedByRuntime } from './stack.ts';
import { traceRun } from './trace-run.ts';
import { UsageError } from './usage-error.ts';

/**
 * Runs a file's program on a loop.
 *
 * @param complain shows a text to the user
 * @returns the exit code
 * @throws {UsageError} when there is nothing to run
 * @throws the program's error, when only the runtime can show its place, which it does for uncaught errors
 */
export async function runProgram(command: RunCommand, complain: (text: string) => void): Promise<number> {
  const file = locate(command.file);
  if (command.trace !== undefined && isSameFile(command.trace, file)) {
    throw new UsageError(
      `run: '${command.trace}' is the program itself, which the trace would replace: write asyncio run --trace trace.json ${command.file}`,
    );
  }
  const library = await libraryOf(file);
  const tracing = command.trace === undefined ? null : await traceRun(command.trace, library);
  const trail = new FailureTrail(library.api.Task);
  const stopWatching = library.api.addInstrument(trail);
  // The same arguments that a program sees when `node FILE args` runs it.
  process.argv.splice(1, process.argv.length, file, ...command.args);
  try {
    await loadAndRun(file, command, library.api, trail);
    return SUCCESS;
  } catch (error) {
    return endedBy(error, command, library, trail, complain);
  } finally {
    tracing?.stop();
    stopWatching();
  }
}

async function loadAndRun(file: string, { args, debug }: RunCommand, api: Library, trail: FailureTrail): Promise<void> {
  const exports: Exports = await load(file);
  const main = findMain(exports, args, api);
  // When the program itself listens to a signal, this command does not handle it.
  const signals = ['SIGINT', 'SIGTERM'].filter((signal) => process.listenerCount(signal) === 0);
  if (main !== null) await api.run(main, { debug: debug ? true : null, signals });
  // A file that ran a loop while it was loaded is a complete program, like a Python script that ends with asyncio.run().
  else if (!trail.sawTasks) throw nothingToRun(path.basename(file), exports);
}

async function load(file: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    const isTypeScript = /\.[cm]?ts$/.test(file);
    throw new UsageError(
      isTypeScript
        ? `${(error as Error).message}: this Node (${process.version}) does not run TypeScript; take 22.18 or later`
        : `cannot run '${path.basename(file)}': a TypeScript or JavaScript file is expected`,
    );
  }
}

/** The exit code for an error, and the text to show. */
function endedBy(
  error: unknown,
  { file, debug }: RunCommand,
  { api, folder }: LoadedLibrary,
  trail: FailureTrail,
  complain: (text: string) => void,
): number {
  if (error instanceof UsageError) throw error;
  if (error instanceof api.KeyboardInterrupt) {
    complain(error.signal === 'SIGTERM' ? 'Terminated\n' : 'KeyboardInterrupt\n');
    return error.exitCode ?? INTERRUPTED; // an older copy of the library does not set it
  }
  if (error instanceof api.SystemExit) {
    // Made with a text instead of a code: the text is shown, as in Python.
    if (error.message !== String(error.exitCode)) complain(`${error.message}\n`);
    return Number.isInteger(error.exitCode) ? error.exitCode : FAILURE;
  }
  complain(reportFailure(path.basename(file), error, { trail, library: folder, wholeStacks: debug }));
  if (isPlacedByRuntime(error)) throw error;
  return FAILURE;
}
