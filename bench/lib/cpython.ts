import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Options } from './options.ts';
import type { ForeignFigure } from './results.ts';
import { median, spread } from './statistics.ts';

/** By subject, then by interpreter and loop. */
export type CPythonFigures = Readonly<Record<string, Readonly<Record<string, ForeignFigure>>>>;

/** What cpython.py prints. */
interface Answer {
  readonly loop: string;
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

const SCRIPT = path.join(import.meta.dirname, '../cpython.py');
const IS_313 = 'import sys; sys.exit(sys.version_info[:2] != (3, 13))';
const HAS_UVLOOP = 'import uvloop';

/** Has CPython do the same workloads: asyncio on 3.13, and uvloop on whatever Python has it. */
export function measureCPython(subjects: readonly string[], options: Options): CPythonFigures {
  const figures: Record<string, Record<string, ForeignFigure>> = {};
  if (subjects.length === 0) return figures;
  const python = findPython();
  if (python === null) {
    console.warn('SKIPPED: CPython: no CPython 3.13 was found (PYTHON313 names one)\n');
  } else {
    add(figures, ask(python, 'asyncio', subjects, options));
  }
  const withUvloop = findUvloop(python);
  if (withUvloop === null) {
    console.warn('SKIPPED: uvloop: no Python that can import it was found (PYTHON_UVLOOP names one)\n');
  } else {
    add(figures, ask(withUvloop, 'uvloop', subjects, options));
  }
  return figures;
}

function add(figures: Record<string, Record<string, ForeignFigure>>, { loop, samples }: Answer): void {
  for (const [subject, own] of Object.entries(samples)) {
    figures[subject] ??= {};
    figures[subject][loop] = { median: median(own), spread: spread(own) };
  }
}

function ask(python: string, loop: string, subjects: readonly string[], options: Options): Answer {
  const args = [SCRIPT, '--loop', loop, '--only', subjects.join()];
  if (options.quick) args.push('--quick');
  if (options.rounds !== null) args.push('--rounds', String(options.rounds));
  console.warn(`measuring ${loop} on ${python} …\n`);
  const child = spawnSync(python, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) throw new Error(`${python} ${SCRIPT} ended with exit code ${child.status}`);
  return JSON.parse(child.stdout) as Answer;
}

/** A version manager's placeholder is on the path without a Python behind it, so each candidate is asked. */
export function findPython(): string | null {
  const ofPyenv = globSync(`${os.homedir()}/.pyenv/versions/3.13.*/bin/python`).sort();
  return first([process.env['PYTHON313'], ...ofPyenv, 'python3.13'], IS_313);
}

export function findUvloop(python: string | null): string | null {
  return first([process.env['PYTHON_UVLOOP'], python ?? undefined, '/usr/bin/python3', 'python3'], HAS_UVLOOP);
}

function first(candidates: readonly (string | undefined)[], test: string): string | null {
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    if (candidate.startsWith('/') && !existsSync(candidate)) continue;
    const child = spawnSync(candidate, ['-c', test], { stdio: 'ignore' });
    if (child.error === undefined && child.status === 0) return candidate;
  }
  return null;
}
