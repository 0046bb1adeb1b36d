import { RuntimeError } from '../errors/index.ts';

/** Nothing is left in a simulated program that could ever run, and it has not ended. The message is the wait-for graph. */
export class DeadlockError extends RuntimeError {
  /** The names of the tasks that wait for each other in a circle, from one to the next; empty when there is no circle. */
  readonly cycle: readonly string[];

  constructor(message: string, cycle: readonly string[] = []) {
    super(message, { code: 'DEADLOCK' });
    this.cycle = cycle;
  }

  override get name(): string {
    return 'DeadlockError';
  }
}

/** A simulated program goes on and on: without any time passing, or with timers that repeat while its main task is stuck. */
export class LivelockError extends RuntimeError {
  constructor(message: string) {
    super(message, { code: 'LIVELOCK' });
  }

  override get name(): string {
    return 'LivelockError';
  }
}

/** A simulated program has ended and left something behind: tasks, timers, sockets, processes. */
export class LeakError extends RuntimeError {
  /** What is left, one line for each. */
  readonly left: readonly string[];

  constructor(message: string, left: readonly string[]) {
    super(message, { code: 'LEAK' });
    this.left = left;
  }

  override get name(): string {
    return 'LeakError';
  }
}

/** Errors of a simulated program that nobody has looked at. The first one is the `cause`. */
export class UnretrievedError extends RuntimeError {
  /** The errors, in the order in which they were reported. */
  readonly errors: readonly unknown[];

  constructor(message: string, errors: readonly unknown[]) {
    super(message, { code: 'UNRETRIEVED', cause: errors[0] });
    this.errors = errors;
  }

  override get name(): string {
    return 'UnretrievedError';
  }
}

/** A token cannot be replayed: the program that it was made for was another one, or is no longer the same. */
export class StaleTokenError extends RuntimeError {
  constructor(message: string, details: { readonly cause?: unknown } = {}) {
    super(message, { code: 'STALE_TOKEN', ...details });
  }

  override get name(): string {
    return 'StaleTokenError';
  }
}

/** Two runs of a program under the same schedule have differed: something decides that the simulation knows nothing of. */
export class NondeterminismError extends RuntimeError {
  /** @param sources what the program has asked for that differs from run to run, with its places */
  constructor(difference: string, sources: readonly string[] = []) {
    const found =
      sources.length === 0 ? '' : ` The program asks for what differs from run to run: ${sources.join(', ')}.`;
    super(
      `two runs of the program under one schedule differ, so that nothing can be told from its runs: ${difference}. Usual reasons: state that ` +
        'outlives a run, Math.random(), Date.now(), real timers, files, the network. Make state inside main, and give the program its clock and its numbers.' +
        found,
      { code: 'NONDETERMINISM' },
    );
  }

  override get name(): string {
    return 'NondeterminismError';
  }
}

/** A simulated program has asked for something that differs from run to run, with `nondeterminism: 'error'`. */
export class UncontrolledError extends RuntimeError {
  constructor(message: string) {
    super(message, { code: 'UNCONTROLLED' });
  }

  override get name(): string {
    return 'UncontrolledError';
  }
}
