import type { Duration } from '../../internal/duration.ts';
import type { StderrStdio, Stdio, StdioOptions } from './stdio.ts';

/** Options for starting a process, with a protocol or with streams. */
export interface SpawnOptions extends StdioOptions {
  /** Where its standard input comes from. */
  readonly stdin?: Stdio | undefined;
  /** Where its standard output goes. */
  readonly stdout?: Stdio | undefined;
  /** Where its error output goes; `STDOUT`: to the same place. */
  readonly stderr?: StderrStdio | undefined;
  /** Its working directory; this program's when absent. */
  readonly cwd?: string | URL | null | undefined;
  /** All of its environment variables; this program's when absent. Those that are `undefined` are left out. */
  readonly env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** The name that it gets as `argv[0]`, instead of the program's. */
  readonly argv0?: string | undefined;
  /** Makes it the leader of a session and a process group of its own: Ctrl-C at the terminal does not reach it. */
  readonly startNewSession?: boolean | undefined;
  /**
   * Makes signals, and everything else that ends the process, reach all processes that it has started and that have not left its group.
   * Implies `startNewSession`. Not on Windows.
   */
  readonly killGroup?: boolean | undefined;
  /** The number of the user to run as. */
  readonly user?: number | undefined;
  /** The number of the group to run as. */
  readonly group?: number | undefined;
}

/** Options for starting a command of the shell. */
export interface ShellOptions extends SpawnOptions {
  /** The shell, a path; the system's (`/bin/sh`, `cmd.exe`) when absent. */
  readonly shell?: string | undefined;
}

/** Options for starting and ending a process with streams. */
export interface SubprocessOptions extends SpawnOptions {
  /** The limit of the readers of its output, in bytes; 64 KiB when absent. Each keeps up to about twice as much. */
  readonly limit?: number | undefined;
  /** Ends the process when a task that waits in `wait()` or `communicate()` is cancelled. */
  readonly killOnCancel?: boolean | undefined;
  /**
   * How long a process may take to end after the first signal before it is killed, in seconds; 5 when absent, 0 kills at once. Used by
   * `stop()`, `await using` and `killOnCancel`.
   */
  readonly gracePeriod?: Duration | undefined;
}

/** The same for a command of the shell. */
export interface SubprocessShellOptions extends SubprocessOptions {
  /** The shell, a path; the system's (`/bin/sh`, `cmd.exe`) when absent. */
  readonly shell?: string | undefined;
}
