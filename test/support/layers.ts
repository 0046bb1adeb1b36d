import path from 'node:path';
import { Visitor } from 'rolldown/utils';
import manifest from '../../package.json' with { type: 'json' };
import { lineOf, membersDeclared, namesRead, parse, type Span } from '../../scripts/lib/syntax.ts';

/**
 * The layers of src, lowest first. A file may import from its own layer and from lower ones; the entry point stands
 * between the core and what is built on it.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['errors', 'internal'],
  ['kernel'],
  ['tasks', 'sync'],
  ['queues', 'streams', 'interop'],
  ['index'],
  ['testing', 'inspect', 'http', 'pages'],
  ['vitest', 'node-test', 'jest', 'bun-test', 'react', 'vue', 'svelte', 'solid', 'timeline', 'opentelemetry'],
  ['node'],
  ['distributed'],
  ['bullmq', 'nats'],
  ['cli'],
];

/** The floors of the kernel, lowest first, as `layerOf` counts them: what runs knows nothing of what programs hold, not even types. */
const KERNEL_FLOORS = ['kernel/runtime/', 'kernel/engine/'];

/** The folders that may name modules of Node. */
const NODE_FOLDERS = ['node', 'distributed', 'bullmq', 'nats', 'cli'];
/** For messages. */
const NODE_FOLDER_NAMES = 'node/, cli/ and the engines of executors';
/** Members of Node's own sockets, and of its process, that have no public name. */
const NODE_MEMBERS = ['_handle', '_parent', '_debugProcess'];
/** The folder that may import packages, and those that a user gets along with this one. */
const PACKAGE_FOLDER = 'node';
const PACKAGES = Object.keys(manifest.dependencies);
/** The folders for test runners, frameworks of pages and engines: the modules that each may import, which its user has anyway. */
const OWN_MODULES: Readonly<Record<string, string | readonly string[]>> = {
  vitest: 'vitest',
  'node-test': 'node:test',
  jest: '@jest/globals',
  'bun-test': 'bun:test',
  react: 'react',
  vue: 'vue',
  svelte: 'svelte',
  solid: 'solid-js',
  opentelemetry: '@opentelemetry/api',
  bullmq: 'bullmq',
  nats: ['@nats-io/nats-core', '@nats-io/transport-node'],
};
/** The doors of the kernel. */
const DOORS = ['kernel/lowlevel.ts', 'kernel/index.ts'];
/** The only file that looks at what the platform has. */
const HOST = 'kernel/runtime/platform.ts';

interface Import {
  readonly specifier: string;
  /** Erased by the compiler: no such import at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** Import and export declarations, `import()` calls and types. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const add = (node: Span, from: { readonly type: string; readonly value?: unknown }, typeOnly: boolean): void => {
    if (typeof from.value === 'string')
      found.push({ specifier: from.value, typeOnly, line: lineOf(source, node.start) });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node, node.source, node.importKind === 'type'),
    ExportAllDeclaration: (node) => add(node, node.source, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node, node.source, node.exportKind === 'type');
    },
    ImportExpression: (node) => {
      const { source: from } = node;
      // A template without anything in it is text as well.
      const isText = from.type === 'TemplateLiteral' && from.expressions.length === 0;
      add(node, isText ? { type: from.type, value: from.quasis[0]?.value.cooked } : from, false);
    },
    TSImportType: (node) => add(node, node.source, true),
  }).visit(parse('source.ts', source).program);
  return found;
}

/**
 * Checks the rules of the architecture: which folder may import what, and who may touch what. Takes the files of src by path
 * relative to it, and gives one sentence for each violation.
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const runtimeImports = new Map<string, string[]>();
  // In the lower layers of the kernel imports of types count as well. Otherwise a low file could not be read without the high ones.
  const floorImports = new Map<string, string[]>();
  for (const [file, source] of files) {
    if (layerOf(file) < 0) found.push(`${file}: '${unitOf(file)}' is in no layer`);
    const targets: string[] = [];
    for (const imported of importsOf(source)) {
      const problem = importProblem(file, imported, files);
      if (problem !== null) found.push(`${file}:${imported.line}: ${problem}`);
      else if (imported.specifier.startsWith('.') && !imported.typeOnly)
        targets.push(resolve(file, imported.specifier));
    }
    runtimeImports.set(file, targets);
    if (KERNEL_FLOORS.some((floor) => file.startsWith(floor))) {
      const all = importsOf(source).filter(({ specifier }) => specifier.startsWith('.'));
      floorImports.set(
        file,
        all.map(({ specifier }) => resolve(file, specifier)),
      );
    }
    found.push(...accessProblems(file, source));
  }
  for (const cycle of cycles(runtimeImports)) found.push(`cycle: ${cycle.join(' -> ')}`);
  for (const cycle of cycles(floorImports)) found.push(`cycle with types: ${cycle.join(' -> ')}`);
  return found;
}

function importProblem(file: string, { specifier }: Import, files: ReadonlyMap<string, string>): string | null {
  if ([OWN_MODULES[unitOf(file)] ?? []].flat().includes(specifier)) return null;
  if (specifier.startsWith('node:')) {
    return NODE_FOLDERS.includes(unitOf(file)) ? null : `only ${NODE_FOLDER_NAMES} import '${specifier}'`;
  }
  if (!specifier.startsWith('.')) {
    if (!PACKAGES.includes(specifier)) return `imports the package '${specifier}', which is no dependency`;
    return unitOf(file) === PACKAGE_FOLDER ? null : `only ${PACKAGE_FOLDER}/ imports the package '${specifier}'`;
  }
  const target = resolve(file, specifier);
  if (!files.has(target)) return `imports '${specifier}', which is no file of src`;
  if (layerOf(target) > layerOf(file)) return `imports '${target}', which is above it`;
  if (unitOf(target) === 'kernel' && unitOf(file) !== 'kernel' && !DOORS.includes(target)) {
    return `imports '${target}' past the doors of the kernel (${DOORS.join(', ')})`;
  }
  return null;
}

function accessProblems(file: string, source: string): string[] {
  const { program } = parse(file, source);
  const found: string[] = [];
  const tell = (at: Span, problem: string): void => {
    found.push(`${file}:${lineOf(source, at.start)}: ${problem}`);
  };
  if (file !== HOST) {
    for (const mention of namesRead(program)) {
      if (mention.name === 'globalThis') tell(mention, `only ${HOST} reads globalThis`);
    }
  }
  if (unitOf(file) !== 'kernel') {
    const own = new Set(membersDeclared(program).map(({ name }) => name));
    const touch = (member: { readonly type: string; readonly name?: unknown } & Span, isOfThis: boolean): void => {
      const name = member.type === 'Identifier' ? String(member.name) : '';
      if (!/^_[a-z]/i.test(name)) return;
      if (isOfThis && own.has(name)) return; // a member of its own class
      if (NODE_FOLDERS.includes(unitOf(file)) && NODE_MEMBERS.includes(name)) return;
      tell(member, `touches '${name}', which belongs to the kernel`);
    };
    new Visitor({
      MemberExpression: ({ object, property, computed }) => {
        if (!computed) touch(property, object.type === 'ThisExpression');
      },
      ObjectPattern: ({ properties }) => {
        for (const property of properties) if (property.type === 'Property') touch(property.key, false);
      },
    }).visit(program);
  }
  return found;
}

/** Strongly connected files, each cycle once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of [...graph.keys()].sort()) visit(file);
  return found;
}

/** `sync` of `sync/lock.ts`, `errors` of `errors.ts`. */
function unitOf(file: string): string {
  return file.split('/')[0]!.replace(/\.ts$/, '');
}

function layerOf(file: string): number {
  const layer = LAYERS.findIndex((units) => units.includes(unitOf(file)));
  const floor = KERNEL_FLOORS.findIndex((prefix) => file.startsWith(prefix));
  return floor < 0 ? layer : layer - 1 + (floor + 1) / (KERNEL_FLOORS.length + 1);
}

function resolve(from: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(from), specifier);
}
