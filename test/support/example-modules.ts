import path from 'node:path';
import { declaredBy, parse } from '../../scripts/lib/syntax.ts';
import { type Example, filesLike, ROOT, textOf } from './example-files.ts';
import * as givens from './example-givens.ts';
import * as nodeGivens from './example-givens-node.ts';

/** Makes modules of examples, which leave out what every reader knows: imports, and that they stand in a coroutine. */

/** Where each exported name of the sources is declared, as `file` and whether it is a type: by name, then by file. */
const declarations = new Map<string, Map<string, { readonly isType: boolean }>>();

function readDeclarations(): void {
  for (const file of filesLike('src/**/*.ts')) {
    for (const { name, isType, isExported } of declaredBy(parse(file, textOf(file)).program)) {
      if (!isExported) continue;
      const places = declarations.get(name) ?? new Map<string, { isType: boolean }>();
      places.set(file, { isType });
      declarations.set(name, places);
    }
  }
}

/** The imports that an example of a source file leaves out: of its own file before others, and what is given. */
function importsOf({ file, code }: Example, folder: string): string {
  if (declarations.size === 0) readDeclarations();
  const from = (place: string) => path.relative(folder, path.join(ROOT, place)).replaceAll('\\', '/');
  const { module, names: given } = givensOf(file);
  const imports = ["import { run as runIt } from 'asyncio-ts';", `import * as given from '${from(module)}';`];
  const names = new Set<string>();
  for (const [name, places] of declarations) {
    if (!uses(code, name)) continue;
    const place = places.has(file)
      ? file
      : [...places.keys()].find((other) => isOfTheSystem(file) || !isOfTheSystem(other));
    if (place === undefined) continue;
    imports.push(`import { ${places.get(place)!.isType ? 'type ' : ''}${name} } from '${from(place)}';`);
    names.add(name);
  }
  const others = Object.keys(given).filter((name) => !names.has(name) && uses(code, name));
  return `${imports.join(' ')} import { ${others} } from '${from(module)}';`;
}

interface Givens {
  readonly module: string;
  readonly names: { readonly fresh: Readonly<Record<string, () => unknown>> };
}

const GIVENS: Givens = { module: 'test/support/example-givens.ts', names: givens };
const NODE_GIVENS: Givens = { module: 'test/support/example-givens-node.ts', names: nodeGivens };

/** Whether a file is of `asyncio-ts/node`, whose examples know its names too. */
function isOfTheSystem(file: string): boolean {
  return /^src\/(node|streams|distributed|bullmq|nats)\//.test(file);
}

/** What is given to the examples of a file. */
function givensOf(file: string): Givens {
  return isOfTheSystem(file) ? NODE_GIVENS : GIVENS;
}

/** The text of a module in which the example is on the same lines as in its file, so that errors point there. */
export function moduleOf(example: Example, folder: string): string {
  const { file, line, code } = example;
  if (file.endsWith('.md')) return '\n'.repeat(line - 1) + code;
  // Paragraphs in different spellings are examples of their own.
  const paragraphs = code.split(/\n *\n/);
  const wrappers = new Set(paragraphs.map(wrapperOf));
  const parts = wrappers.size > 1 ? paragraphs : [code];
  const wrapped = parts.map((part) => {
    const [before, after] = wrapperOf(part);
    const made = Object.keys(givensOf(file).names.fresh).filter((name) => uses(part, name));
    const constants = made.map((name) => `const ${name} = given.fresh.${name}();`);
    // In a block, so that names that the example declares itself do not collide.
    return `${before} ${constants.join(' ')} {\n${part}\n} ${after}`;
  });
  return `${importsOf(example, folder)}${'\n'.repeat(line - 2)}${wrapped.join(' ')}`;
}

/** Whether a name occurs in code other than as a property or as a key. */
function uses(code: string, name: string): boolean {
  return new RegExp(`(?<![.\\w$'])${name}\\b(?!\\??: )`).test(code);
}

type Wrapper = readonly [before: string, after: string];

const OUTSIDE: Wrapper = ['await (async () => {', '})();'];
const GENERATOR: Wrapper = ['await runIt(function* () {', '});'];
const ASYNC: Wrapper = ['await runIt(async () => {', '});'];

/** What an example takes for granted: to stand in a coroutine of its spelling, or outside any loop when it runs one. */
function wrapperOf(code: string): Wrapper {
  if (
    /\b(run|runVirtual|sweep|explore|replay|runSchedule)\(|Runner\(|new VirtualClock\(|runUntilComplete|runOnce/.test(
      code,
    )
  )
    return OUTSIDE;
  const ownCode = code.replace(/function\*[^{]*\{[\s\S]*?\n\}/g, '');
  return !/\bawait\b/.test(code) && /\byield\*/.test(ownCode) ? GENERATOR : ASYNC;
}
