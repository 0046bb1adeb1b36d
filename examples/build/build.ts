// The runner: every target is a task, which waits for what it needs, then for a job, then for its process.

import { Event, Semaphore, taskGroup } from 'asyncio-ts';
import { createSubprocessShell, PIPE, STDOUT } from 'asyncio-ts/node';
import type { Target } from './plan.ts';

export interface BuildOptions {
  /** How many processes at once. */
  readonly jobs: number;
  /** How long a process may take to end when the build is interrupted, in seconds; then it is killed. */
  readonly gracePeriod: number;
  /** The folder that the commands run in. */
  readonly cwd: string;
  /** Called with each line that a process prints. */
  onLine(target: string, line: string): void;
  /** Called after each change. */
  onState(target: string, state: State, detail?: string): void;
}

/** The outcome of a target. */
export type State = 'started' | 'made' | 'failed' | 'skipped';

/** How each target ended. */
export type Outcome = ReadonlyMap<string, State>;

/** Builds targets, which must be in order. A failure stops only what needs the target that failed. */
export async function build(targets: readonly Target[], options: BuildOptions): Promise<Outcome> {
  const states = new Map<string, State>();
  const over = new Map(targets.map(({ name }) => [name, new Event()]));
  const jobs = new Semaphore(options.jobs);

  const end = (name: string, state: State, detail?: string): void => {
    states.set(name, state);
    over.get(name)?.set();
    options.onState(name, state, detail);
  };

  const make = async (target: Target): Promise<void> => {
    const { name, needs } = target;
    for (const needed of needs) await over.get(needed)?.wait();
    const missing = needs.filter((needed) => states.get(needed) !== 'made');
    if (missing.length > 0) return end(name, 'skipped', `needs ${missing.join(', ')}`);
    using _job = await jobs.acquire();
    options.onState(name, 'started');
    const returncode = await execute(target, options);
    if (returncode === 0) end(name, 'made');
    else end(name, 'failed', returncode < 0 ? `signal ${-returncode}` : `exit code ${returncode}`);
  };

  await taskGroup(async (group) => {
    for (const target of targets) group.createTask(() => make(target), { name: target.name });
  });
  return states;
}

/**
 * Runs a command. When the task is cancelled, leaving the block asks the process and all that it has started to end (SIGTERM),
 * kills what is left after the grace period, and waits for it.
 */
async function execute({ name, command }: Target, { cwd, gracePeriod, onLine }: BuildOptions): Promise<number> {
  await using process = await createSubprocessShell(command, {
    stdout: PIPE,
    stderr: STDOUT,
    cwd,
    killGroup: true,
    gracePeriod,
  });
  if (process.stdout !== null) for await (const line of process.stdout.lines()) onLine(name, line);
  return await process.wait();
}
