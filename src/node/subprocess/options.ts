import type { Duration } from '../../internal/duration.ts';
import type { StderrStdio, Stdio, StdioOptions } from './stdio.ts';

/** How a process is started, by protocol or with streams. */
export interface SpawnOptions extends StdioOptions {
  /** Where its standard input comes from. */
  readonly stdin?: Stdio | undefined;
  /** Where its standard output goes. */
  readonly stdout?: Stdio | undefined;
  /** Where its error output goes; `STDOUT`: to the same place. */
  readonly stderr?: StderrStdio | undefined;
  /** The folder that it works in; this program's when absent. */
  readonly cwd?: string | URL | null | undefined;
  /** All of its environment variables; this program's when absent. Those that are `undefined` are left out. */
  readonly env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** The name that it is started under, in place of its own. */
  readonly argv0?: string | undefined;
  /** Makes it the leader of a session and a process group of its own: Ctrl-C at the terminal does not reach it. */
  readonly startNewSession?: boolean | undefined;
  /**
   * Makes signals, and whatever ends the process, reach all the processes that it has started and that have not left its group.
   * Implies `startNewSession`. Not on Windows.
   */
  readonly killGroup?: boolean | undefined;
  /** The number of the user to run as. */
  readonly user?: number | undefined;
  /** The number of the group to run as. */
  readonly group?: number | undefined;
}

/** How a command of the shell is started. */
export interface ShellOptions extends SpawnOptions {
  /** The shell, a path; the system's (`/bin/sh`, `cmd.exe`) when absent. */
  readonly shell?: string | undefined;
}

/** How a process with streams is started, and how it is ended. */
export interface SubprocessOptions extends SpawnOptions {
  /** The limit of the readers of its output, in bytes; 64 KiB when absent. Each keeps up to about twice as much. */
  readonly limit?: number | undefined;
  /** Ends the process when a task that waits in `wait()` or `communicate()` is cancelled. */
  readonly killOnCancel?: boolean | undefined;
  /**
   * How long a process that is told to end may take before it is killed, in seconds; 5 when absent, 0 kills at once. Counts for
   * `stop()`, for `await using`, and for `killOnCancel`.
   */
  readonly gracePeriod?: Duration | undefined;
}

/** The same for a command of the shell. */
export interface SubprocessShellOptions extends SubprocessOptions {
  /** The shell, a path; the system's (`/bin/sh`, `cmd.exe`) when absent. */
  readonly shell?: string | undefined;
}
