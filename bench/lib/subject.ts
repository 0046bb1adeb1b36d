/** What is measured: the words that every part of the benchmarks shares. */

/** Does `count` operations, and gives what they took together: nanoseconds, or bytes. */
export type Workload = (count: number) => Promise<number>;

/** One way to do the work of a subject. */
export interface Contender {
  readonly name: string;
  readonly run: Workload;
  /** Does only one operation in so many: for peers that would take minutes otherwise. Results are per operation. */
  readonly fewer?: number;
  /** Ends what it keeps between runs, such as processes. */
  close?(): Promise<void>;
}

/** The most that a spelling may take, relative to native; for CPython the least that it must be faster. */
export interface Goals {
  readonly gen: number;
  readonly async: number;
}

/** How the figures of a subject are shown that is about what gets through in a second. */
export interface Rate {
  readonly unit: string;
  /** How much of the unit an operation is. */
  readonly perOperation: number;
}

/**
 * One row of the table: a workload, done in several ways.
 *
 * Every way does the same work. The first one, called `native`, is what one writes with nothing but promises; the ratios
 * refer to it. `by hand` is there where promises can be had cheaper than the usual idiom has them. `gen` and `async` are
 * this library in its two spellings, and what the goals speak of; others are shown for comparison.
 */
export interface Subject {
  /** For `--only`, and what peers and CPython call it. */
  readonly name: string;
  readonly title: string;
  /** What a figure is for one of. */
  readonly unit: string;
  /** Bytes are taken on a heap swept before and after; nanoseconds are wall-clock or CPU time, whichever the workload gives. */
  readonly quantity: 'ns' | 'bytes';
  /** Operations of one run. */
  readonly count: number;
  /** Rounds where none are asked for; 15 when absent. */
  readonly rounds?: number;
  /** `null` where none was set. */
  readonly goals: Goals | null;
  readonly goalsOverCPython?: Goals;
  /** Why the subject cannot run, `null` when it can. */
  readonly missing?: string | null;
  readonly contenders: readonly Contender[];
  /** A subject with processes of its own: measured with `--io`, and shown in a table of its own. */
  readonly io?: { readonly rate: Rate | null };
  /** Of a subject about I/O: what `--cpython` adds to the contenders. */
  readonly cpythonContenders?: () => readonly Contender[];
  /** Each run begins from nothing, so that there is nothing to warm up. */
  readonly cold?: boolean;
}

/** The names of the contenders that goals and tables speak of. */
export const NATIVE = 'native';
export const BY_HAND = 'by hand';
export const GEN = 'gen';
export const ASYNC = 'async';
