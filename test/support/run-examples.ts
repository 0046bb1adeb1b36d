/**
 * A process that is given a kind of time and modules. It imports them, one after the other, and prints a line of JSON for each: its name, and what went
 * wrong. A comment behind a `console.log(…)` is what that line must print; printed several times, with commas between.
 *
 * Where time is `simulated`, it is for whatever the example starts with `setTimeout`, event loops among them.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { isQuiet, simulateTime } from './simulated-time.ts';

const { setTimeout, clearTimeout } = globalThis;
/** A module that has not ended by then, in real milliseconds, never will. */
const PATIENCE = 3_000;

let errors: string[] = [];
let printed = new Map<number, string[]>();
let present = '';

process.on('uncaughtException', (error) => errors.push(`uncaught: ${describe(error)}`));
process.on('unhandledRejection', (error) => errors.push(`unhandled: ${describe(error)}`));
console.error = (...data) => errors.push(`console.error: ${format(...data)}`);
console.warn = (...data) => errors.push(`console.warn: ${format(...data)}`);
console.log = (...data) => {
  const line = lineOfCaller();
  printed.set(line, [...(printed.get(line) ?? []), format(...data)]);
};

/** An error, with the lines of the example that it came through. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = error.stack?.split('\n').filter((line) => line.includes(present)) ?? [];
  return [String(error), ...frames.map((frame) => frame.trim())].join(' ');
}

/** The line of the example that called, 0 when none did. */
function lineOfCaller(): number {
  const frame = new Error('called').stack?.split('\n').find((line) => line.includes(present));
  return Number(frame?.match(/:(\d+):\d+\)?$/)?.[1] ?? 0);
}

function checkOutput(file: string): void {
  for (const [at, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    const expected = text.match(/console\.log\(.*\);? \/\/ (.*)$/)?.[1];
    if (expected === undefined) continue;
    const actual = printed.get(at + 1)?.join(', ') ?? 'nothing';
    if (actual !== expected) errors.push(`line ${at + 1} should print ${expected}\nbut it printed    ${actual}`);
  }
}

async function runModule(file: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the example does not end')), PATIENCE);
  });
  try {
    await Promise.race([import(pathToFileURL(file).href).then(isQuiet), tooLong]);
  } catch (error) {
    errors.push(describe(error));
  } finally {
    clearTimeout(timer);
  }
}

const [time, ...files] = process.argv.slice(2);
if (time === 'simulated') simulateTime();
for (const file of files) {
  errors = [];
  printed = new Map();
  present = path.basename(file);
  await runModule(file);
  checkOutput(file);
  process.stdout.write(`${JSON.stringify([present, errors.slice(0, 5)])}\n`);
}
process.exit();
