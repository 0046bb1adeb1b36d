import type { CoroutineFunction } from 'asyncio-ts';
import type { ExploreOptions } from 'asyncio-ts/testing';

/** Names of strategies. */
export type Strategy = NonNullable<ExploreOptions['strategy']>;

/** What was published about the bug of a kernel, or is required of the explorer. */
export interface Published {
  /** The figure in words, with the tool that it belongs to, for the table. */
  readonly figure: string;
  /** So many schedules are enough to find the bug. */
  readonly within: number;
  /** What share of the runs shows the bug with the best of the published tools, from 0 to 1. */
  readonly rate?: number;
  /** Strategies that need not find it within that number; the others do. */
  readonly except?: readonly Strategy[];
}

/** A bug as a small program, with its fixed form beside it. */
export interface Kernel {
  /** Short and unique: `mkdirp#2`. */
  readonly name: string;
  /** What the bug is, in one sentence. */
  readonly bug: string;
  /** Fails under some schedules. */
  readonly broken: CoroutineFunction<unknown>;
  /** Fails under none. */
  readonly fixed: CoroutineFunction<unknown>;
  readonly published: Published;
  /** Default: `contract`. */
  readonly level?: 'contract' | 'any';
  /** What the failure has to be: a part of its message, its class by name, or a function that throws when it is another one. */
  readonly expects: string | ((error: unknown) => void);
  /** Other options of the explorations of both forms. */
  readonly options?: ExploreOptions;
}

/** Kernels that belong together: a table of the document. */
export interface Family {
  /** The heading. */
  readonly name: string;
  /** What the kernels are and where they are published: the text under the heading. */
  readonly about: string;
  readonly kernels: readonly Kernel[];
  /** Where the family stands in the document; those with lower numbers come first. */
  readonly order?: number;
  /** Whether the table has a column for each strategy. Default: only the portfolio is measured. */
  readonly strategies?: readonly Strategy[];
}

/**
 * Checks that a failure is the one that the kernel is about.
 *
 * @throws {Error} when it is another one
 */
export function checkFailure({ name, expects }: Kernel, error: unknown): void {
  if (typeof expects === 'function') {
    expects(error);
    return;
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (!text.includes(expects)) throw new Error(`${name}: expected a failure with '${expects}', got ${text}`);
}

/** Fails a kernel. */
export function check(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise);
}
