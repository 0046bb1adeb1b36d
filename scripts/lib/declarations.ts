import path from 'node:path';
import { blank } from './source-text.ts';

/** What a name means: a declaration of a file, or something that another package or the runtime has. */
interface Target {
  readonly file: string;
  readonly name: string;
}

/** One declaration file, as far as a report needs it. */
interface Module {
  /** Texts of a name: overloads and merged declarations keep their order. */
  readonly declarations: Map<string, string[]>;
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
}

const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function\*?|const enum|enum|const|let|var|namespace)\s+([\w$]+)/;

/**
 * Reads declaration files as the compiler writes them: a statement begins in the first column, and what belongs to it
 * is indented or closes a bracket. `read` gives the text of a file.
 */
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
    return { exported, mentioned: new Map(sorted(mentioned)), globals: globals.sort() };
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
    return this.#module(target.file).declarations.get(target.name) ?? [];
  }

  #mentionedBy(target: Target): Target[] {
    if (!isFile(target.file)) return [];
    const module = this.#module(target.file);
    const found: Target[] = [];
    for (const text of this.#textsOf(target)) {
      // Names of members and parameters have a colon or a bracket right behind them, types do not.
      for (const match of blank(text, { strings: true }).matchAll(/(?<![.\w$])([\w$]+)(?!\??:|\()(?![\w$])/g)) {
        const name = match[1]!;
        if (module.declarations.has(name)) found.push({ file: target.file, name });
        else if (module.imports.has(name)) found.push(this.#resolve(module.imports.get(name)!));
      }
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
  for (const statement of statements(source)) {
    const declared = DECLARATION.exec(statement)?.[1];
    const list = /^(import|export) (?:type )?\{([^}]*)\}(?: from ['"]([^'"]+)['"])?/.exec(statement);
    const star = /^export (?:type )?\* from ['"]([^'"]+)['"]/.exec(statement);
    const namespace = /^import (?:type )?\* as ([\w$]+) from ['"]([^'"]+)['"]/.exec(statement);
    if (statement.startsWith('declare global')) {
      module.globals.push(statement);
    } else if (declared !== undefined) {
      const text = withoutPrivates(statement).replace(/^(export )?(declare )?/, '');
      module.declarations.set(declared, [...(module.declarations.get(declared) ?? []), text]);
      if (statement.startsWith('export ')) module.exports.set(declared, { file, name: declared });
    } else if (list !== null) {
      const [, keyword, names, from] = list;
      const source = from === undefined ? file : moduleFile(file, from);
      for (const part of names!.split(',')) {
        const [, name, alias] = /^\s*(?:type )?([\w$]+)(?: as ([\w$]+))?\s*$/.exec(part) ?? [];
        if (name === undefined) continue;
        const into = keyword === 'import' ? module.imports : module.exports;
        into.set(alias ?? name, { file: source, name });
      }
    } else if (star !== null) {
      module.stars.push(moduleFile(file, star[1]!));
    } else if (namespace !== null) {
      if (isFile(moduleFile(file, namespace[2]!))) throw new Error(`${file}: cannot report '${statement}'`);
    } else if (!/^import ['"]/.test(statement)) {
      throw new Error(`${file}: cannot report '${statement}'`);
    }
  }
  return module;
}

function statements(source: string): string[] {
  const found: string[] = [];
  for (const line of blank(source, { strings: false }).split('\n')) {
    const text = line.trimEnd();
    if (text === '') continue;
    if (/^[\s})\]>|&]/.test(text) && found.length > 0) found[found.length - 1] += `\n${text}`;
    else found.push(text);
  }
  return found;
}

/** Private members have no types in a declaration file, and nobody can use them. A private constructor says something. */
function withoutPrivates(text: string): string {
  const lines = text.split('\n');
  return lines.filter((line) => !/^\s+(#private;|(static )?private (?!constructor\b))/.test(line)).join('\n');
}

function moduleFile(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return path.posix.join(path.posix.dirname(from), specifier).replace(/\.[jt]s$/, '.d.ts');
}

const isFile = (file: string): boolean => file.endsWith('.d.ts');
const key = (target: Target): string => `${target.file}#${target.name}`;
const sorted = <V>(map: Map<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
