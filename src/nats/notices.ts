import type { Offer } from '../distributed/engine.ts';

/** What clients say to workers besides jobs. */
export type Notice =
  /** Who are you, and which of these jobs do you have? The answer is a `Presence`. */
  | { readonly t: 'ask'; readonly jobs: readonly number[] }
  /** A job is to end, wherever it is. It is named by the subject for its answer. */
  | { readonly t: 'cancel'; readonly job: string }
  /** A client needs no answer any more to its jobs with numbers below this one, but for some. */
  | { readonly t: 'thanks'; readonly inbox: string; readonly below: number; readonly but: readonly number[] }
  /** A client is there, for so many seconds. */
  | { readonly t: 'renew'; readonly client: string; readonly seconds: number }
  /** A client has jobs that found all workers busy. */
  | { readonly t: 'demand'; readonly inbox: string }
  /** A client had fewer jobs than places were granted to it. */
  | { readonly t: 'unused'; readonly inbox: string; readonly places: number };

/** A worker's answer to `ask`. */
export interface Presence {
  readonly id: string;
  readonly offer: Offer;
  /** Whether it takes jobs: one that is about to end does not. */
  readonly isTaking: boolean;
  /** In seconds: it counts as lost when it has not answered for so long. */
  readonly lease: number;
  /** Its clock, in milliseconds since 1970. */
  readonly now: number;
  /** Those of the jobs that it runs, or whose answer it has just sent once more. */
  readonly has: readonly number[];
}

/** A message as an object; `null` for the message of somebody else. */
export function parsed<T extends Notice | Presence>(text: string): T | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}
