import path from 'node:path';
import GithubSlugger from 'github-slugger';
import {
  Application,
  type Comment,
  type CommentDisplayPart,
  type DeclarationReflection,
  type ProjectReflection,
  ReflectionKind,
  type SignatureReflection,
} from 'typedoc';
import { blocksOf, fenced } from '../../../scripts/lib/markdown.ts';
import { escaped, TypePrinter } from './api-types.ts';
import type { Page } from './guides.ts';
import { addressOf, BASE, entries, manifest, ROOT, SITE } from './repository.ts';

/** The API reference, from the doc comments: a page for each part of each entry of the package. */

/** The parts of the entries, each with a name of its own: by the folders of the sources. */
const PARTS: readonly (readonly [folder: RegExp, part: string, title: string])[] = [
  [/^src\/tasks\//, 'tasks', 'Tasks, groups and timeouts'],
  [/^src\/sync\//, 'sync', 'Locks, semaphores, events'],
  [/^src\/queues\//, 'queues', 'Queues'],
  [/^src\/(kernel|internal)\//, 'loop', 'Loop, futures, coroutines'],
  [/^src\/interop\//, 'interop', 'Iterables, events, web streams'],
  [/^src\/errors\//, 'errors', 'Errors'],
  [/^src\/(node\/(net|datagram|transport)|streams)\//, 'network', 'Streams, servers, datagrams'],
  [/^src\/node\/(files|pipes)\//, 'files', 'Files and pipes'],
  [/^src\/node\/subprocess\//, 'subprocess', 'Subprocesses'],
  [/^src\/node\/(threads|executors)\//, 'threads', 'Threads and processes'],
  [/^src\/node\//, 'other', 'Other'],
  [/^src\/testing\/explore\//, 'explore', 'Explored schedules'],
  [/^src\/testing\/sweep\//, 'sweep', 'Cancellation sweep'],
  [/^src\/testing\/(network|simulation)\//, 'simulated-network', 'A simulated network'],
  [/^src\/testing\/checks\//, 'checks', 'Checks'],
];

/** A name of an entry, and where it stands. */
interface Item {
  readonly declaration: DeclarationReflection;
  readonly entry: string;
  readonly part: string;
}

interface Place {
  readonly slug: string;
  anchor: string;
}

/** Reads the sources with TypeDoc. */
async function convert(): Promise<ProjectReflection> {
  const app = await Application.bootstrap({
    entryPoints: [...entries().values()].map((file) => path.join(ROOT, file)),
    tsconfig: path.join(SITE, 'tsconfig.api.json'),
    basePath: ROOT,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    excludeReferences: false,
    skipErrorChecking: true,
    disableGit: true,
    preservedTypeAnnotationTags: ['@throws'],
    sourceLinkTemplate: '{path}',
    sort: ['source-order'],
    logLevel: 'Error',
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources; the lines above say why');
  return project;
}

/** All pages of the reference. */
export async function apiPages(): Promise<Page[]> {
  return new Reference(await convert()).pages();
}

class Reference {
  /** The items of each page, by slug. */
  readonly #pages = new Map<string, Item[]>();
  /** Names that an entry takes over from another one. */
  readonly #taken = new Map<string, string[]>();
  readonly #places = new Map<string, Place>();
  readonly #entries = entries();
  readonly #types = new TypePrinter((name) => this.#addressOf(name));

  constructor(project: ProjectReflection) {
    const modules = this.#modulesOf(project);
    for (const [entry, module] of modules) {
      for (const child of module.children ?? []) this.#add(entry, child);
    }
    // Tasks before the loop, as PARTS has them; the entries stay in their order.
    const rankOfPage = ([slug]: readonly [string, unknown]) =>
      PARTS.findIndex(([, part]) => part === slug.split('/')[2]);
    const homes = [...new Set([...this.#pages.keys()].map((slug) => slug.split('/')[1]!))];
    const homeOf = ([slug]: readonly [string, unknown]) => homes.indexOf(slug.split('/')[1]!);
    const sortedPages = [...this.#pages].toSorted((a, b) => homeOf(a) - homeOf(b) || rankOfPage(a) - rankOfPage(b));
    this.#pages.clear();
    for (const [slug, items] of sortedPages) this.#pages.set(slug, items);
    for (const [slug, items] of this.#pages) {
      const sorted = items.toSorted((one, other) => rankOf(one.declaration) - rankOf(other.declaration));
      this.#pages.set(slug, sorted);
      this.#place(slug, sorted);
    }
  }

  #modulesOf(project: ProjectReflection): [string, DeclarationReflection][] {
    const modules = project.getChildrenByKind(ReflectionKind.Module);
    return [...this.#entries].map(([entry, file]) => {
      const module = modules.find(
        (candidate) =>
          candidate.sources?.[0]?.fileName.endsWith(file) ||
          candidate.name === entry ||
          `src/${candidate.name}.ts` === file ||
          `src/${candidate.name}/index.ts` === file,
      );
      if (module === undefined)
        throw new Error(
          `TypeDoc gave no module for ${entry} (${file}), but ${modules.map(({ name }) => name).join(', ')}`,
        );
      return [entry, module];
    });
  }

  #add(entry: string, declaration: DeclarationReflection): void {
    if (declaration.isReference()) {
      this.#taken.set(entry, [...(this.#taken.get(entry) ?? []), declaration.name]);
      return;
    }
    const file = declaration.sources?.[0]?.fileName ?? '';
    const home = path.posix.basename(entry === manifest.name ? 'core' : entry);
    const isWhole = home !== 'core' && home !== 'node' && home !== 'testing';
    const part = isWhole ? '' : (PARTS.find(([folder]) => folder.test(file))?.[1] ?? '');
    const slug = ['api', home, part].filter((step) => step !== '').join('/');
    this.#pages.set(slug, [...(this.#pages.get(slug) ?? []), { declaration, entry, part }]);
  }

  #place(slug: string, items: readonly Item[]): void {
    const slugger = new GithubSlugger();
    for (const { declaration } of items) {
      const place = { slug, anchor: slugger.slug(declaration.name) };
      // The core is read first: a name that several entries have is explained there.
      if (!this.#places.has(declaration.name)) this.#places.set(declaration.name, place);
      for (const member of membersOf(declaration)) slugger.slug(headingOf(declaration, member));
    }
  }

  #addressOf(name: string): string | null {
    const place = this.#places.get(name);
    return place === undefined ? null : `${BASE}/${place.slug}/#${place.anchor}`;
  }

  pages(): Page[] {
    const pages = [...this.#pages].map(([slug, items]) => this.#page(slug, items));
    const lists = [...this.#entries.keys()].map((entry) => this.#listOf(entry));
    const index: Page = {
      slug: 'api',
      title: 'API reference',
      description: 'Every exported name of asyncio-ts, by entry of the package.',
      label: 'All names',
      body: `Every exported name, by entry of the package. The texts are those that an editor shows.\n\n${lists.join('\n\n')}`,
    };
    return [index, ...pages];
  }

  #listOf(entry: string): string {
    const own = [...this.#pages].filter(([, items]) => items[0]!.entry === entry);
    const parts = own.map(([slug, items]) => {
      const names = items.map(({ declaration }) => `[\`${declaration.name}\`](${this.#addressOf(declaration.name)})`);
      const title = titleOf(slug);
      return `${own.length > 1 ? `### [${title}](${BASE}/${slug}/)\n\n` : ''}${names.join(' · ')}`;
    });
    const taken = (this.#taken.get(entry) ?? []).filter((name) => this.#places.has(name));
    const also =
      taken.length === 0
        ? []
        : [
            `Also, from the other entries: ${taken.map((name) => `[\`${name}\`](${this.#addressOf(name)})`).join(' · ')}`,
          ];
    return [`## ${entry}`, ...parts, ...also].join('\n\n');
  }

  #page(slug: string, items: readonly Item[]): Page {
    const { entry } = items[0]!;
    const title = titleOf(slug);
    const names = items.map(({ declaration }) => declaration.name);
    return {
      slug,
      title: slug.split('/').length > 2 ? title : entry,
      label: title,
      description: `API reference of ${entry}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' and more' : ''}.`,
      body: [
        `\`\`\`ts\nimport { … } from '${entry}';\n\`\`\``,
        ...items.map(({ declaration }) => this.#item(declaration)),
      ].join('\n\n'),
    };
  }

  #item(declaration: DeclarationReflection): string {
    const [source] = declaration.sources ?? [];
    const where =
      source === undefined
        ? ''
        : ` <a class="source" href="${addressOf(source.fileName)}#L${source.line}" aria-label="Source of ${declaration.name}">source</a>`;
    const kind = `<p class="kind">${KINDS.get(declaration.kind) ?? 'name'}${where}</p>`;
    const parts = [`## ${declaration.name}`, kind];
    if (declaration.signatures !== undefined && declaration.kind === ReflectionKind.Function) {
      parts.push(this.#signatures(declaration.name, declaration.signatures));
    } else {
      parts.push(signature(this.#head(declaration)), this.#comment(declaration.comment));
      for (const member of membersOf(declaration)) parts.push(this.#member(declaration, member));
      const inherited = (declaration.children ?? []).filter(
        (child) => child.inheritedFrom !== undefined && !isHidden(child),
      );
      if (inherited.length > 0) {
        const from = new Set(inherited.map((child) => child.inheritedFrom!.name.split('.')[0]!));
        parts.push(
          `Inherited from ${[...from].map((name) => this.#linked(name)).join(', ')}: ${inherited.map(({ name }) => `\`${name}\``).join(', ')}.`,
        );
      }
    }
    return parts.filter((part) => part !== '').join('\n\n');
  }

  #linked(name: string): string {
    const address = this.#addressOf(name);
    return address === null ? `\`${name}\`` : `[\`${name}\`](${address})`;
  }

  /** The first line of a declaration, or all of it where it has no members. */
  #head(declaration: DeclarationReflection): string {
    const name = escaped(declaration.name);
    const generic = this.#types.typeParameters(declaration.typeParameters);
    const bases = (types: typeof declaration.extendedTypes, word: string) =>
      types === undefined || types.length === 0
        ? ''
        : ` ${word} ${types.map((type) => this.#types.type(type)).join(', ')}`;
    switch (declaration.kind) {
      case ReflectionKind.Class: {
        const abstract = declaration.flags.isAbstract ? 'abstract ' : '';
        return `${abstract}class ${name}${generic}${bases(declaration.extendedTypes, 'extends')}${bases(declaration.implementedTypes, 'implements')}`;
      }
      case ReflectionKind.Interface: {
        const calls = (declaration.signatures ?? []).map(
          (call) => `\n  ${this.#types.parameters(call)}: ${this.#types.type(call.type)};`,
        );
        return `interface ${name}${generic}${bases(declaration.extendedTypes, 'extends')}${calls.length > 0 ? ` &#123;${calls.join('')}\n&#125;` : ''}`;
      }
      case ReflectionKind.TypeAlias:
        return `type ${name}${generic} = ${this.#types.type(declaration.type)}`;
      case ReflectionKind.Namespace:
        return `namespace ${name}`;
      default:
        return `const ${name}: ${this.#types.type(declaration.type)}`;
    }
  }

  #member(owner: DeclarationReflection, member: DeclarationReflection): string {
    const isNew = member.kind === ReflectionKind.Constructor;
    const title = `### ${headingOf(owner, member)}`;
    if (member.signatures !== undefined) {
      const name = isNew ? `new ${owner.name}` : member.name.replace(/^\[(\w+)\]$/, '[Symbol.$1]');
      const modifiers = `${member.flags.isStatic ? 'static ' : ''}${member.flags.isAbstract ? 'abstract ' : ''}`;
      return [title, this.#signatures(name, member.signatures, modifiers, member.flags.isOptional ? '?' : '')].join(
        '\n\n',
      );
    }
    const { getSignature: getter, setSignature: setter } = member;
    const modifiers = `${member.flags.isStatic ? 'static ' : ''}${member.flags.isReadonly || (getter && !setter) ? 'readonly ' : ''}`;
    const type = member.type ?? getter?.type ?? setter?.parameters?.[0]?.type;
    const line = `${modifiers}${escaped(member.name)}${member.flags.isOptional ? '?' : ''}: ${this.#types.type(type)}`;
    const comment = member.comment ?? getter?.comment ?? setter?.comment;
    return [title, signature(line), this.#comment(comment)].filter((part) => part !== '').join('\n\n');
  }

  #signatures(name: string, signatures: readonly SignatureReflection[], modifiers = '', optional = ''): string {
    const parts: string[] = [];
    let lines: string[] = [];
    let previous: string | null = null;
    // Overloads that one comment explains stand together.
    for (const each of signatures) {
      const comment = this.#explanation(each);
      if (previous !== null && comment !== '' && comment !== previous) {
        parts.push(signature(lines.join('\n')), previous);
        lines = [];
      }
      const result = each.kind === ReflectionKind.ConstructorSignature ? '' : `: ${this.#types.type(each.type)}`;
      lines.push(`${modifiers}${escaped(name)}${optional}${this.#types.parameters(each)}${result}`);
      previous = comment === '' ? (previous ?? '') : comment;
    }
    parts.push(signature(lines.join('\n')), previous ?? '');
    return parts.filter((part) => part !== '').join('\n\n');
  }

  #explanation(each: SignatureReflection): string {
    const rows = (each.parameters ?? []).flatMap(({ name, comment }) => {
      const text = comment === undefined ? '' : this.#text(comment.summary).trim();
      return text === '' ? [] : [`- \`${name}\`: ${text.replaceAll('\n', '\n  ')}`];
    });
    return this.#comment(each.comment, rows);
  }

  /** A doc comment: its text, the parameters, what is returned and thrown, and the examples. */
  #comment(comment: Comment | undefined, parameters: readonly string[] = []): string {
    if (comment === undefined) return parameters.join('\n');
    const tagged = (tag: string) => comment.blockTags.filter(({ tag: own }) => own === tag);
    const parts = [this.#text(comment.summary)];
    if (parameters.length > 0) parts.push(parameters.join('\n'));
    for (const { content } of tagged('@returns')) parts.push(`**Returns** ${this.#text(content).trim()}`);
    for (const { content, typeAnnotation } of tagged('@throws')) {
      const types = (typeAnnotation ?? '').replaceAll(/^\{|\}$/g, '').split('|');
      const names = types.map((name) => name.trim()).filter((name) => name !== '');
      parts.push(`**Throws** ${names.map((name) => this.#linked(name)).join(', ')} ${this.#text(content).trim()}`);
    }
    for (const { content } of [...tagged('@remarks'), ...tagged('@see'), ...tagged('@deprecated')])
      parts.push(this.#text(content));
    for (const { content } of tagged('@example')) parts.push(exampleOf(content));
    return parts
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .join('\n\n');
  }

  /** Prose, in which code that is the name of something exported becomes a link to it. */
  #text(parts: readonly CommentDisplayPart[]): string {
    return parts
      .map((part) => {
        if (part.kind === 'inline-tag') return this.#linked(part.text);
        if (part.kind !== 'code') return escapedProse(part.text);
        const [, name] = part.text.match(/^`(\w+)(?:\(\))?`$/) ?? [];
        const address = name === undefined ? null : this.#addressOf(name);
        return address === null ? part.text : `[${part.text}](${address})`;
      })
      .join('');
  }
}

const KINDS = new Map<ReflectionKind, string>([
  [ReflectionKind.Class, 'class'],
  [ReflectionKind.Interface, 'interface'],
  [ReflectionKind.TypeAlias, 'type'],
  [ReflectionKind.Function, 'function'],
  [ReflectionKind.Variable, 'constant'],
  [ReflectionKind.Namespace, 'namespace'],
]);

/** What is called comes before the types that it takes. */
function rankOf({ kind }: DeclarationReflection): number {
  const at = [ReflectionKind.Function, ReflectionKind.Class, ReflectionKind.Variable].indexOf(kind);
  return at < 0 ? 3 : at;
}

/** `Task.cancel`, and `Queue[Symbol.asyncIterator]`; as a constructor is called: `new Queue`. */
function headingOf(owner: DeclarationReflection, member: DeclarationReflection): string {
  if (member.kind === ReflectionKind.Constructor) return `new ${owner.name}`;
  const [, symbol] = member.name.match(/^\[(\w+)\]$/) ?? [];
  return symbol === undefined ? `${owner.name}.${member.name}` : `${owner.name} Symbol.${symbol}`;
}

/** Members of the class itself which a reader may use. */
function membersOf(declaration: DeclarationReflection): DeclarationReflection[] {
  if (declaration.kind !== ReflectionKind.Class && declaration.kind !== ReflectionKind.Interface) return [];
  return (declaration.children ?? []).filter((child) => child.inheritedFrom === undefined && !isHidden(child));
}

/** Names that only the library itself may use, and those of symbols that every class has. */
function isHidden({ name, signatures }: DeclarationReflection): boolean {
  const text = signatures?.[0]?.comment?.summary.map((part) => part.text).join('') ?? '';
  if (name === 'toString' && (text === '' || text.startsWith('Returns a string representation of an object')))
    return true;
  return name.startsWith('_') || name.startsWith('#') || /^\[(toStringTag|species)\]$/.test(name);
}

function titleOf(slug: string): string {
  const [, home, part] = slug.split('/');
  const entry = home === 'core' ? manifest.name : `${manifest.name}/${home}`;
  return PARTS.find(([, id]) => id === part)?.[2] ?? entry;
}

/** The lines of a signature: what is too long for a line is broken after commas of the outermost parentheses. */
function signature(html: string): string {
  const lines = html.split('\n').map(broken).join('\n');
  return `<pre class="signature not-content" tabindex="0"><code>${lines.replaceAll('\n\n', '\n')}</code></pre>`;
}

const LONGEST = 92;

function broken(line: string): string {
  const length = line.replaceAll(/<[^>]*>/g, '').replaceAll(/&[#\w]+;/g, '_').length;
  if (length <= LONGEST) return line;
  const union = /^(type [^=]+) = (.*)$/s.exec(line);
  if (union !== null) {
    const parts = splitOutside(union[2]!, ' | ');
    return parts.length > 1 ? `${union[1]} =\n  | ${parts.join('\n  | ')}` : line;
  }
  const open = line.indexOf('(');
  if (open < 0) return line;
  let depth = 0;
  for (let at = open; at < line.length; at++) {
    if (line[at] === '(') depth++;
    else if (line[at] === ')' && --depth === 0) {
      const parts = splitOutside(line.slice(open + 1, at), ', ');
      if (parts.length === 0) return line;
      return `${line.slice(0, open)}(\n  ${parts.join(',\n  ')},\n)${line.slice(at + 1)}`;
    }
  }
  return line;
}

/** Splits HTML of types at a joint that stands in no brackets. */
function splitOutside(html: string, joint: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  const tokens = html.match(/<[^>]*>|&[#\w]+;|=&gt;|[\s\S]/g) ?? [];
  let text = '';
  for (const token of tokens) {
    if (/^(\(|&lt;|&#123;|&#91;)$/.test(token)) depth++;
    if (/^(\)|&#125;|\])$/.test(token) || (token === '&gt;' && !text.endsWith('='))) depth--;
    text += token;
    part += token;
    if (depth === 0 && part.endsWith(joint)) {
      parts.push(part.slice(0, -joint.length));
      part = '';
    }
  }
  return part === '' ? parts : [...parts, part];
}

/** What Markdown would take for HTML. */
function escapedProse(text: string): string {
  return text
    .replaceAll(/<(?=[A-Za-z/])/g, '&lt;')
    .replaceAll(/^(\s*)\{/gm, '$1&#123;')
    .replaceAll(/^&#123;(.+?)\}/g, '{$1}');
}

function exampleOf(content: readonly CommentDisplayPart[]): string {
  const text = content
    .map((part) => part.text)
    .join('')
    .trim();
  const blocks = blocksOf(text);
  if (blocks.some(({ kind }) => kind === 'code')) return text;
  return fenced({ indent: '', info: 'ts', text });
}
