/** Processes: programs and commands of the shell, with streams or for protocols. */

export { CalledProcessError } from './called-process-error.ts';
export { createSubprocessExec, createSubprocessShell } from './create.ts';
export { type ProgramArguments, type ProtocolFactory, subprocessExec, subprocessShell } from './lowlevel.ts';
export type { ShellOptions, SpawnOptions, SubprocessOptions, SubprocessShellOptions } from './options.ts';
export { type CommunicateOptions, Process, type ProcessOutput, type StopOptions } from './process.ts';
export { ProcessTimeoutError } from './process-timeout-error.ts';
export { type CompletedProcess, type RunProcessOptions, runProcess } from './run-process.ts';
export { DEVNULL, PIPE, STDOUT, type StderrStdio, type Stdio, type StdioOptions } from './stdio.ts';
export { SubprocessStreamProtocol, type SubprocessStreamProtocolOptions } from './stream-protocol.ts';
export type { AsText, TextOutputOptions } from './text-output.ts';
