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
  const chosen = choose(subjects, options);
  if (chosen === null) return;
  const cpython = options.cpython ? measureCPython(namesOf(chosen.filter(({ io }) => io === undefined)), options) : {};
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
  if (chosen.some(({ io }) => io !== undefined)) await checkBytes();
  write(LATEST, results);
  if (options.save !== null) write(options.save, forGood(results));
}

/** I/O that loses bytes has no speed worth telling. */
async function checkBytes(): Promise<void> {
  const { checkLoss } = await import('../io/loss.ts');
  if (!(await checkLoss())) process.exitCode = 1;
}

function choose(subjects: readonly Subject[], { only, io }: Options): readonly Subject[] | null {
  const known = namesOf(subjects);
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`bench: no subject is called ${unknown.join(', ')}; there are: ${known.join(', ')}`);
    process.exitCode = 2;
    return null;
  }
  if (only.length > 0) return subjects.filter(({ name }) => only.includes(name));
  const others = subjects.filter((subject) => subject.io === undefined);
  return io || others.length === 0 ? subjects : others;
}

const namesOf = (subjects: readonly Subject[]): string[] => subjects.map(({ name }) => name);

async function rowOf(subject: Subject, options: Options, cpython: CPythonFigures): Promise<Row> {
  const { name, title, unit, quantity, goals, goalsOverCPython } = subject;
  const count = options.quick ? subject.count / QUICK_PART : subject.count;
  const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : (subject.rounds ?? ROUNDS));
  const row = {
    ...{ name, title, unit, quantity, count, rounds, goals, cpython: cpython[name] ?? {} },
    ...(goalsOverCPython === undefined ? {} : { goalsOverCPython }),
    ...(subject.io === undefined ? {} : { io: subject.io }),
  };
  const skipped = subject.missing ?? null;
  if (skipped !== null) return { ...row, skipped, figures: [] };
  const peers = options.peers ? await peersOf(name) : [];
  const pythons = options.cpython ? (subject.cpythonContenders?.() ?? []) : [];
  const contenders = [...subject.contenders, ...peers, ...pythons];
  return { ...row, figures: await measure(contenders, count, rounds, subject.cold) };
}
