import { describe } from '../../internal/describe.ts';
import { StaleTokenError } from '../errors.ts';

/** What a schedule may decide: what production leaves open, or the order of everything that is ready as well. */
export type Level = 'contract' | 'any';

/** At one choice, another way than the first one is taken. */
export interface Deviation {
  /** Which choice of the run, from 0. */
  readonly at: number;
  /** Which way, from 1. */
  readonly way: number;
}

/** A run told from all others: everywhere but at the deviations the first way is taken. */
export interface Schedule {
  readonly level: Level;
  readonly deviations: readonly Deviation[];
  /** Of the choices up to the last deviation: their kinds, and how many ways they had. */
  readonly fingerprint: string;
}

const LEVELS: Readonly<Record<string, Level>> = { c: 'contract', a: 'any' };

/**
 * The schedule as a word that can be copied: `xc-` or `xa-` for the level, the fingerprint, and for each deviation the distance from the one
 * before it and, unless it is 1, the way.
 */
export function tokenOf({ level, deviations, fingerprint }: Schedule): string {
  let last = -1;
  const parts = deviations.map(({ at, way }) => {
    const distance = (at - last - 1).toString(36);
    last = at;
    return way === 1 ? distance : `${distance}.${way.toString(36)}`;
  });
  return `x${level === 'any' ? 'a' : 'c'}-${fingerprint}-${parts.join('_')}`;
}

/**
 * Reads a token.
 *
 * @throws {StaleTokenError} when it is none
 */
export function scheduleOf(token: string): Schedule {
  const match = /^x([ca])-([0-9a-z]+)-((?:[0-9a-z]+(?:\.[0-9a-z]+)?(?:_(?!$)|$))*)$/.exec(String(token));
  if (match === null) {
    throw new StaleTokenError(
      `replay: ${describe(token)} is no token; give the one that ExplorationFailure or SweepFailure has: replay(main, failure.token)`,
    );
  }
  const [, level, fingerprint, parts] = match;
  let last = -1;
  const deviations =
    parts === ''
      ? []
      : parts!.split('_').map((part) => {
          const [distance, way = '1'] = part.split('.');
          last += Number.parseInt(distance!, 36) + 1;
          return { at: last, way: Number.parseInt(way, 36) };
        });
  return { level: LEVELS[level!]!, deviations, fingerprint: fingerprint! };
}
