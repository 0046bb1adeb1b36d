import { constants } from 'node:os';

/** The exit codes of the command: those of `python FILE`. */
export const SUCCESS = 0;
/** An uncaught error. */
export const FAILURE = 1;
/** Wrong usage. */
export const USAGE = 2;
/** An `await` at the top level that nothing can end any more; Node exits with this code, too. */
export const UNSETTLED = 13;
/** Ctrl-C: the code that a shell shows for a program that SIGINT has ended. */
export const INTERRUPTED = 128 + constants.signals.SIGINT;
