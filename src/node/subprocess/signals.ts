import { constants } from 'node:os';
import process from 'node:process';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import type { SignalLike } from '../../streams/index.ts';

const NUMBERS: Readonly<Record<string, number>> = constants.signals;
/** The highest number of a signal on any system: the last real-time signal of Linux. */
const HIGHEST = 64;

/** The number of a signal from its name in the runtime. */
export function signalNumber(name: string): number {
  return NUMBERS[name] ?? 0;
}

/** The name of a signal by its number: `SIGKILL`, or `signal 40` when it has no name. */
export function signalName(number: number): string {
  return Object.keys(NUMBERS).find((name) => NUMBERS[name] === number) ?? `signal ${number}`;
}

/**
 * The number of a signal that a program has given. Zero is allowed: it only checks whether the process exists.
 *
 * @throws {TypeError} when it is neither a name nor a number
 * @throws {ValueError} when there is no such signal
 */
export function checkSignal(where: string, signal: unknown): number {
  if (typeof signal === 'string') {
    const number = NUMBERS[signal];
    if (number !== undefined) return number;
    const meant = `SIG${signal.toUpperCase().replace(/^SIG/, '')}`;
    const hint = meant in NUMBERS ? `; did you mean '${meant}'?` : '';
    throw new ValueError(`${where}: no such signal: ${describe(signal)}${hint}`, { code: 'UNKNOWN_SIGNAL' });
  }
  if (typeof signal !== 'number')
    throw typeError(`${where}: a signal is a name such as 'SIGTERM' or a number, got ${describe(signal)}`);
  if (!Number.isInteger(signal) || signal < 0 || signal > HIGHEST)
    throw new ValueError(`${where}: no such signal: ${signal}`, { code: 'UNKNOWN_SIGNAL' });
  return signal;
}

/**
 * Sends a signal.
 *
 * @param target a process, or minus the number of a group
 * @returns whether there was a process to send it to
 * @throws the runtime's error when it is not allowed
 */
export function send(target: number, signal: SignalLike): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ESRCH') return false;
    throw error;
  }
}
