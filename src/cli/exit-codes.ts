import { constants } from 'node:os';

/** The exit codes of the command: those of `python FILE`. */
export const SUCCESS = 0;
/** An error that nobody caught. */
export const FAILURE = 1;
/** Wrong usage. */
export const USAGE = 2;
/** Ctrl-C: what a shell shows of a program that a signal has ended. */
export const INTERRUPTED = 128 + constants.signals.SIGINT;
