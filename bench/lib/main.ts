import { peersOf } from '../peers/index.ts';
import { type CPythonFigures, measureCPython } from './cpython.ts';
import { measure } from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { printHead, printRow } from './report.ts';
import { forGood, LATEST, machine, type Results, type Row, write } from './results.ts';
import type { Subject } from './subject.ts';

const ROUNDS = 15;
const QUICK_ROUNDS = 5;
const QUICK_PART = 10;

/** Runs subjects as the command line says: the body of `bench/main.ts`, and of each subject's file run alone. */
export async function main(subjects: readonly Subject[]): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) return;
  const chosen = choose(subjects, options.only);
  if (chosen === null) return;
  const cpython = options.cpython ? measureCPython(namesOf(chosen), options) : {};
  printHead(machine(), options.quick);
  const rows: Row[] = [];
  for (const subject of chosen) {
    const row = await rowOf(subject, options, cpython);
    printRow(row);
    rows.push(row);
  }
  const results: Results = {
    version: 1,
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick,
    machine: machine(),
    rows,
  };
  write(LATEST, results);
  if (options.save !== null) write(options.save, forGood(results));
}

function choose(subjects: readonly Subject[], only: readonly string[]): readonly Subject[] | null {
  const known = namesOf(subjects);
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`bench: no subject is called ${unknown.join(', ')}; there are: ${known.join(', ')}`);
    process.exitCode = 2;
    return null;
  }
  return only.length === 0 ? subjects : subjects.filter(({ name }) => only.includes(name));
}

const namesOf = (subjects: readonly Subject[]): string[] => subjects.map(({ name }) => name);

async function rowOf(subject: Subject, options: Options, cpython: CPythonFigures): Promise<Row> {
  const { name, title, unit, quantity, goals, goalsOverCPython } = subject;
  const count = options.quick ? subject.count / QUICK_PART : subject.count;
  const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : (subject.rounds ?? ROUNDS));
  const row = {
    ...{ name, title, unit, quantity, count, rounds, goals, cpython: cpython[name] ?? {} },
    ...(goalsOverCPython === undefined ? {} : { goalsOverCPython }),
  };
  const skipped = subject.missing ?? null;
  if (skipped !== null) return { ...row, skipped, figures: [] };
  const peers = options.peers ? await peersOf(name) : [];
  return { ...row, figures: await measure([...subject.contenders, ...peers], count, rounds) };
}
