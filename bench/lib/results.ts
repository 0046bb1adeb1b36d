import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Measured } from './measure.ts';
import type { Goals, Rate, Subject } from './subject.ts';

/** Where every run leaves its results; git ignores it. */
export const LATEST: string = path.join(import.meta.dirname, '../results/latest.json');

/** One contender in the results; the single samples are left out of what is saved for good. */
export type Figure = Omit<Measured, 'samples'> & { readonly samples?: readonly number[] };

/** What another program took, per operation. */
export interface ForeignFigure {
  readonly median: number;
  readonly spread: number;
}

/** One subject in the results. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly quantity: Subject['quantity'];
  readonly count: number;
  readonly rounds: number;
  readonly goals: Goals | null;
  readonly goalsOverCPython?: Goals;
  readonly skipped?: string;
  /** Of a subject about I/O. */
  readonly io?: { readonly rate: Rate | null };
  readonly figures: readonly Figure[];
  /** By interpreter, such as `CPython 3.13.0`. */
  readonly cpython: Readonly<Record<string, ForeignFigure>>;
}

/** Everything that one run of the benchmarks found. */
export interface Results {
  readonly version: 1;
  readonly date: string;
  readonly quick: boolean;
  readonly machine: {
    readonly runtime: string;
    readonly cpu: string;
    readonly cores: number;
    readonly os: string;
  };
  readonly rows: readonly Row[];
}

/** The present machine, as far as it matters to the figures. */
export function machine(): Results['machine'] {
  const cpus = os.cpus();
  return {
    runtime: `Node ${process.version}, V8 ${process.versions.v8}`,
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    os: `${os.platform()} ${os.arch()}`,
  };
}

export function write(file: string, results: Results): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** Results as they are committed: no single samples, and no more digits than mean something. */
export function forGood(results: Results): Results {
  return { ...results, rows: results.rows.map(rowForGood) };
}

function rowForGood(row: Row): Row {
  const cpython = Object.entries(row.cpython).map(([name, figure]) => [name, roundedForeign(figure)] as const);
  return { ...row, figures: row.figures.map(withoutSamples), cpython: Object.fromEntries(cpython) };
}

function roundedForeign({ median, spread }: ForeignFigure): ForeignFigure {
  return { median: rounded(median), spread: rounded(spread) };
}

function withoutSamples({ name, median, spread, ratio }: Figure): Figure {
  return { name, median: rounded(median), spread: rounded(spread), ratio: rounded(ratio) };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * Reads results back.
 *
 * @throws {Error} when the file holds something else
 */
export function read(file: string): Results {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Partial<Results>;
  if (results.version !== 1 || !Array.isArray(results.rows)) throw new Error(`${file} holds no benchmark results`);
  return results as Results;
}
