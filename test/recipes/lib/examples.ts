import { deepStrictEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Program } from '../../peers/lib/programs.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../../examples/recipes');

/** Runs the program of a recipe, which has to print what the comments behind its `console.log` say, in any order. */
export async function runExample(recipe: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const main = path.join(EXAMPLES, recipe, 'main.ts');
  const said = [...readFileSync(main, 'utf8').matchAll(/console\.log\(.*\)[;,] \/\/ (.*)$/gm)].map(([, text]) => text!);
  ok(said.length > 0, `${main} promises nothing`);
  await using program = new Program(process.execPath, [...process.execArgv, main], { env: { ...env, NO_COLOR: '1' } });
  deepStrictEqual((await program.output()).sort(), said.sort());
  deepStrictEqual(program.errors, '');
}
