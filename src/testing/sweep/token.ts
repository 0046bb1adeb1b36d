import { describe } from '../../internal/describe.ts';
import { StaleTokenError } from '../errors.ts';
import { MODES, type SweepMode } from './modes.ts';

/** What a token of a sweep says. */
export interface SweepToken {
  /** The number of the wait, from 0. */
  readonly wait: number;
  readonly mode: SweepMode;
  /** Of all waits up to this one. */
  readonly hash: number;
}

/** `s1-<mode>-<wait>-<hash>`, the numbers to the base 36. */
const TOKEN = /^s1-([0-5])-([0-9a-z]{1,8})-([0-9a-z]{1,7})$/;

export function formatToken({ wait, mode, hash }: SweepToken): string {
  return `s1-${MODES.indexOf(mode)}-${wait.toString(36)}-${hash.toString(36)}`;
}

/** Whether a token is of a sweep, and not of an exploration. */
export function isSweepToken(token: unknown): boolean {
  return typeof token === 'string' && /^s\d+-/.test(token);
}

/** @throws {StaleTokenError} when it is no token of a sweep */
export function parseToken(token: string): SweepToken {
  const parts = typeof token === 'string' ? TOKEN.exec(token) : null;
  if (parts === null) {
    throw new StaleTokenError(
      `${describe(token)} is not a token of a cancellation sweep: copy the whole text from the message of the SweepFailure`,
    );
  }
  return {
    mode: MODES[Number(parts[1])]!,
    wait: Number.parseInt(parts[2]!, 36),
    hash: Number.parseInt(parts[3]!, 36),
  };
}

/** The hash of nothing. */
export const EMPTY_HASH = 0x811c9dc5;

/** Adds a text to a hash (FNV-1a): an unsigned integer of 32 bits. */
export function addToHash(hash: number, text: string): number {
  let now = hash;
  for (let i = 0; i < text.length; i++) now = Math.imul(now ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(now ^ 0xff, 0x01000193) >>> 0;
}
