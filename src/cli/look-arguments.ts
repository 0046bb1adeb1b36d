import { split } from './arguments.ts';
import { UsageError } from './usage-error.ts';

/** The commands that look at another process. */
export type LookName = 'ps' | 'pstree' | 'top';

/** `asyncio ps PID`, `pstree PID` or `top PID`. */
export interface LookCommand {
  readonly kind: LookName;
  readonly pid: number;
  readonly json: boolean;
  /** Whether to show the local variables of suspended generators, and where they are suspended. */
  readonly locals: boolean;
  /** So many tasks are looked at. */
  readonly limit: number;
  /** Whether `top` may cancel tasks. */
  readonly write: boolean;
  /** So many seconds are between two looks of `top`. */
  readonly interval: number;
}

const COMMON = { help: { type: 'boolean', short: 'h' }, limit: { type: 'string' } } as const;
const ONCE = { ...COMMON, json: { type: 'boolean' }, locals: { type: 'boolean' } } as const;
const LIVE = { ...COMMON, write: { type: 'boolean' }, interval: { type: 'string' } } as const;

/** `top` looks again and again, so that it needs a bound. */
const LIMIT_OF_TOP = 10_000;

export function isLookName(name: string | undefined): name is LookName {
  return name === 'ps' || name === 'pstree' || name === 'top';
}

/** @throws {UsageError} when the arguments are wrong */
export function parseLook(kind: LookName, argv: readonly string[]): LookCommand | { kind: 'help'; topic: LookName } {
  const options = kind === 'top' ? LIVE : ONCE;
  const first = split(argv, options);
  // Options may stand behind the process as well.
  const [word, ...behind] = first.operands;
  const second = split(behind, options);
  const values = { ...first.values, ...second.values } as Values;
  if (values.help === true) return { kind: 'help', topic: kind };
  if (word === undefined)
    throw new UsageError(`${kind}: the number of a process is missing: write asyncio ${kind} PID`);
  if (!/^[1-9]\d{0,9}$/.test(word))
    throw new UsageError(
      `${kind}: '${word}' is not the number of a process: write asyncio ${kind} PID, as in asyncio ${kind} 4711`,
    );
  if (second.operands.length > 0)
    throw new UsageError(`${kind}: one process at a time; '${second.operands[0]}' is too much`);
  return {
    kind,
    pid: Number(word),
    json: values.json === true,
    locals: values.locals === true,
    limit: numberOf(kind, 'limit', values.limit, 1) ?? (kind === 'top' ? LIMIT_OF_TOP : Number.POSITIVE_INFINITY),
    write: values.write === true,
    interval: numberOf(kind, 'interval', values.interval, 0.1) ?? 1,
  };
}

interface Values {
  readonly help?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly locals?: boolean | undefined;
  readonly write?: boolean | undefined;
  readonly limit?: string | undefined;
  readonly interval?: string | undefined;
}

function numberOf(kind: LookName, option: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const number = Number(text);
  if (/^\d*\.?\d+$/.test(text) && number >= least) return number;
  throw new UsageError(`${kind}: --${option} takes a number of at least ${least}, got '${text}'`);
}
