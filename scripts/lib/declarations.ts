import path from 'node:path';
import {
  blank,
  type Mention,
  membersDeclared,
  parse as parseSource,
  type Span,
  type Statement,
  typesMentioned,
} from './syntax.ts';

/** What a name means: a declaration of a file, or something that another package or the runtime has. */
interface Target {
  readonly file: string;
  readonly name: string;
}

/** One statement that declares a name. */
interface Declaration {
  /** As the compiler has written it, without comments, private members and the words that export it. */
  readonly text: string;
  /** The names that it reads. */
  readonly mentions: readonly string[];
  /** Members whose names begin with an underscore. */
  readonly internal: readonly string[];
}

/** One declaration file, as far as a report needs it. */
interface Module {
  /** What declares a name: overloads and merged declarations keep their order. */
  readonly declarations: Map<string, Declaration[]>;
  /** Exported name to where it comes from. */
  readonly exports: Map<string, Target>;
  /** Files of `export * from`. */
  readonly stars: string[];
  readonly imports: Map<string, Target>;
  /** Texts of `declare global`, and of other statements that change the world of whoever imports the file. */
  readonly globals: string[];
}

export interface Surface {
  /** Exported name to the text of its declarations. */
  readonly exported: Map<string, string>;
  /** Declarations that exported ones mention but that have no exported name. */
  readonly mentioned: Map<string, string>;
  readonly globals: string[];
  /** `Task._state`: members whose names say that they belong to the kernel. */
  readonly internal: string[];
}

/** Reads declaration files. `read` gives the text of a file. */
export class Declarations {
  readonly #modules = new Map<string, Module>();
  readonly #read: (file: string) => string;

  constructor(read: (file: string) => string) {
    this.#read = read;
  }

  /** The public types of an entry point. */
  surface(entry: string): Surface {
    const exported = new Map<string, string>();
    const mentioned = new Map<string, string>();
    const seen = new Set<string>();
    const queue: Target[] = [];
    for (const [name, target] of sorted(this.#exportsOf(entry, new Set()))) {
      const texts = this.#textsOf(target);
      const renamed = name === target.name ? [] : [`export { ${target.name} as ${name} };`];
      exported.set(name, [...texts, ...renamed].join('\n'));
      seen.add(key(target));
      queue.push(target);
    }
    for (const target of queue) {
      for (const other of this.#mentionedBy(target)) {
        if (seen.has(key(other))) continue;
        seen.add(key(other));
        queue.push(other);
        mentioned.set(`${other.name} (${other.file})`, this.#textsOf(other).join('\n'));
      }
    }
    const globals = [...this.#modules.values()].flatMap((module) => module.globals);
    const internal = queue.flatMap((target) =>
      this.#declarationsOf(target).flatMap((declaration) =>
        declaration.internal.map((name) => `${target.name}.${name}`),
      ),
    );
    return { exported, mentioned: new Map(sorted(mentioned)), globals: globals.sort(), internal };
  }

  #exportsOf(file: string, visited: Set<string>): Map<string, Target> {
    if (visited.has(file)) return new Map();
    visited.add(file);
    const module = this.#module(file);
    const all = new Map<string, Target>();
    for (const star of module.stars) {
      for (const [name, target] of this.#exportsOf(star, visited)) all.set(name, target);
    }
    for (const [name, target] of module.exports) all.set(name, this.#resolve(target));
    return all;
  }

  /** Follows a name through re-exports to the file that declares it. */
  #resolve(target: Target): Target {
    if (!isFile(target.file)) return target;
    const module = this.#module(target.file);
    if (module.declarations.has(target.name)) return target;
    const next = module.imports.get(target.name) ?? module.exports.get(target.name);
    if (next !== undefined && key(next) !== key(target)) return this.#resolve(next);
    for (const star of module.stars) {
      const found = this.#exportsOf(star, new Set()).get(target.name);
      if (found !== undefined) return found;
    }
    throw new Error(`${target.file}: '${target.name}' is declared nowhere`);
  }

  #textsOf(target: Target): string[] {
    if (!isFile(target.file)) return [`export { ${target.name} } from '${target.file}';`];
    return this.#declarationsOf(target).map(({ text }) => text);
  }

  #declarationsOf(target: Target): readonly Declaration[] {
    return isFile(target.file) ? (this.#module(target.file).declarations.get(target.name) ?? []) : [];
  }

  #mentionedBy(target: Target): Target[] {
    if (!isFile(target.file)) return [];
    const module = this.#module(target.file);
    const found: Target[] = [];
    for (const name of this.#declarationsOf(target).flatMap(({ mentions }) => mentions)) {
      if (module.declarations.has(name)) found.push({ file: target.file, name });
      else if (module.imports.has(name)) found.push(this.#resolve(module.imports.get(name)!));
    }
    return found.filter((other) => isFile(other.file));
  }

  #module(file: string): Module {
    let module = this.#modules.get(file);
    if (module === undefined) {
      module = parse(file, this.#read(file));
      this.#modules.set(file, module);
    }
    return module;
  }
}

function parse(file: string, source: string): Module {
  const module: Module = { declarations: new Map(), exports: new Map(), stars: [], imports: new Map(), globals: [] };
  const parsed = parseSource(file, source);
  const mentions = typesMentioned(parsed.program);
  const members = membersDeclared(parsed.program);
  const text = (span: Span, hidden: readonly Span[] = []): string =>
    textOf(source, span, [...parsed.comments, ...hidden]);
  const refuse = (statement: Statement): never => {
    throw new Error(`${file}: cannot report '${text(statement)}'`);
  };
  const declare = (node: Declaring, isExported: boolean): void => {
    for (const name of namesOf(node)) {
      const privates = membersOf(node).filter(isPrivate);
      const declaration: Declaration = {
        text: text(node, privates).replace(/^declare /, ''),
        mentions: within(node, mentions, privates).map((mention) => mention.name),
        internal: within(node, members, privates)
          .map((member) => member.name)
          .filter((member) => member.startsWith('_')),
      };
      module.declarations.set(name, [...(module.declarations.get(name) ?? []), declaration]);
      if (isExported) module.exports.set(name, { file, name });
    }
  };

  for (const statement of parsed.program.body) {
    switch (statement.type) {
      case 'ImportDeclaration':
        for (const specifier of statement.specifiers) {
          const from = moduleFile(file, statement.source.value);
          if (specifier.type === 'ImportNamespaceSpecifier') {
            if (isFile(from)) refuse(statement);
          } else {
            const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : 'default';
            module.imports.set(specifier.local.name, { file: from, name });
          }
        }
        break;
      case 'ExportAllDeclaration':
        if (statement.exported !== null) refuse(statement);
        module.stars.push(moduleFile(file, statement.source.value));
        break;
      case 'ExportNamedDeclaration':
        for (const { local, exported } of statement.specifiers) {
          const from = statement.source === null ? file : moduleFile(file, statement.source.value);
          module.exports.set(nameOf(exported), { file: from, name: nameOf(local) });
        }
        if (statement.declaration !== null) declare(statement.declaration, true);
        break;
      case 'TSModuleDeclaration':
        if (statement.kind === 'global') module.globals.push(text(statement));
        else declare(statement, false);
        break;
      default:
        if (isDeclaring(statement)) declare(statement, false);
        else refuse(statement);
    }
  }
  return module;
}

type Declaring = NonNullable<Extract<Statement, { type: 'ExportNamedDeclaration' }>['declaration']>;
type Class = Extract<Declaring, { type: 'ClassDeclaration' | 'ClassExpression' }>;
type Member =
  | Class['body']['body'][number]
  | Extract<Declaring, { type: 'TSInterfaceDeclaration' }>['body']['body'][number];

function isDeclaring(statement: Statement): statement is Extract<Statement, Declaring> {
  return 'declare' in statement;
}

function namesOf(node: Declaring): string[] {
  if (node.type === 'VariableDeclaration') return node.declarations.map(({ id }) => nameOf(id));
  return node.id === null ? [] : [nameOf(node.id)];
}

function membersOf(node: Declaring): readonly Member[] {
  if (node.type === 'ClassDeclaration' || node.type === 'TSInterfaceDeclaration') return node.body.body;
  return [];
}

/** Private members have no types in a declaration file, and nobody can use them. A private constructor says something. */
function isPrivate(member: Member): boolean {
  if (!('key' in member)) return false;
  if (member.key.type === 'PrivateIdentifier') return true;
  const isConstructor = 'kind' in member && member.kind === 'constructor';
  return 'accessibility' in member && member.accessibility === 'private' && !isConstructor;
}

/** Empty for what has no simple name. */
function nameOf(node: { readonly type: string; readonly name?: unknown; readonly value?: unknown }): string {
  const name = node.type === 'Literal' ? node.value : node.name;
  return typeof name === 'string' ? name : '';
}

/** The text of a statement without what is hidden, and without the lines that are empty then. */
function textOf(source: string, span: Span, hidden: readonly Span[]): string {
  const inside = hidden.filter(({ start, end }) => start >= span.start && end <= span.end);
  const moved = inside.map(({ start, end }) => ({ start: start - span.start, end: end - span.start }));
  const lines = blank(source.slice(span.start, span.end), moved).split('\n');
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

function within(span: Span, mentions: readonly Mention[], hidden: readonly Span[]): Mention[] {
  const isIn = (mention: Mention, outer: Span): boolean => mention.start >= outer.start && mention.end <= outer.end;
  return mentions.filter((mention) => isIn(mention, span) && !hidden.some((one) => isIn(mention, one)));
}

function moduleFile(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return path.posix.join(path.posix.dirname(from), specifier).replace(/\.[jt]s$/, '.d.ts');
}

const isFile = (file: string): boolean => file.endsWith('.d.ts');
const key = (target: Target): string => `${target.file}#${target.name}`;
const sorted = <V>(map: Map<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
