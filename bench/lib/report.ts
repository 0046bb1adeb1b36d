import type { Figure, Results, Row } from './results.ts';
import { ASYNC, GEN, type Goals } from './subject.ts';

/** Prints what was measured, as it comes. */

const NAME_WIDTH = 30;

export function printHead({ runtime, cpu, cores, os }: Results['machine'], quick: boolean): void {
  console.log(`${runtime}; ${cpu}, ${cores} cores, ${os}`);
  console.log('medians, ± half the interquartile range; × is the median of the ratios to native within a round');
  if (quick) console.log('QUICK: a check that everything runs; do not quote these figures');
  if (globalThis.gc === undefined)
    console.log('note: without --expose-gc, each contender also sweeps up what others left');
}

export function printRow(row: Row): void {
  console.log(`\n${row.title} (${row.name}: ${row.quantity} per ${row.unit}, ${row.count} in ${row.rounds} rounds)`);
  if (row.skipped !== undefined) {
    console.log(`  SKIPPED: ${row.skipped}`);
    return;
  }
  for (const figure of row.figures) {
    const { name, median, spread, ratio } = figure;
    const columns = [quantity(median).padStart(11), `±${percent(spread)}`.padStart(6), times(ratio).padStart(9)];
    console.log(`  ${name.padEnd(NAME_WIDTH)}${columns.join('  ')}  ${verdict(row.goals, figure)}`.trimEnd());
  }
  for (const [name, { median, spread }] of Object.entries(row.cpython)) {
    const faster = row.figures.filter(({ name }) => name === GEN || name === ASYNC);
    const ratios = faster.map((figure) => `${figure.name} ${times(median / figure.median)} better`);
    const columns = [quantity(median).padStart(11), `±${percent(spread)}`.padStart(6), ''.padStart(9)];
    console.log(
      `  ${name.padEnd(NAME_WIDTH)}${columns.join('  ')}  ${ratios.join(', ')}${goalsNote(row.goalsOverCPython)}`,
    );
  }
}

function verdict(goals: Goals | null, { name, ratio }: Figure): string {
  if (goals === null) return '';
  if (name !== GEN && name !== ASYNC) return '';
  const goal = goals[name];
  return `goal ≤ ${goal}: ${ratio <= goal ? 'met' : `MISSED by ${percent(ratio / goal - 1)}`}`;
}

function goalsNote(goals: Goals | undefined): string {
  return goals === undefined ? '' : ` (goals ${goals.gen}×, ${goals.async}×)`;
}

/** A figure with three digits or so, and thousands apart. */
export function quantity(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A ratio; nothing where there is none. */
export function times(ratio: number): string {
  return Number.isNaN(ratio) ? '' : `${quantity(ratio)}×`;
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(0)}%`;
}
