import { type ParseResult, parseSync, Visitor } from 'rolldown/utils';

export type Program = ParseResult['program'];
export type Statement = Program['body'][number];

/** A stretch of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A name that some code reads: a variable, or a type. */
export interface Mention extends Span {
  readonly name: string;
}

export interface Parsed {
  readonly program: Program;
  readonly comments: readonly Span[];
}

/**
 * Parses a TypeScript text. Offsets are those of the text.
 *
 * @param file its name, which tells declarations (`.d.ts`) from programs
 * @throws {SyntaxError} when it is no TypeScript
 */
export function parse(file: string, text: string): Parsed {
  const { program, comments, errors } = parseSync(file, text);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${file}: ${error.message}`);
  return { program, comments };
}

/** A name that a file declares at its top level. */
export interface Declared {
  readonly name: string;
  /** Whether nothing is left of it at run time. */
  readonly isType: boolean;
  readonly isExported: boolean;
}

/** What a file declares at its top level, in order; names of destructuring are left out. */
export function declaredBy(program: Program): Declared[] {
  return program.body.flatMap((statement) => {
    const isExported = statement.type === 'ExportNamedDeclaration';
    const node = isExported ? statement.declaration : statement;
    if (node === null || !('declare' in node)) return [];
    const isType = node.type === 'TSTypeAliasDeclaration' || node.type === 'TSInterfaceDeclaration';
    const ids = node.type === 'VariableDeclaration' ? node.declarations.map(({ id }) => id) : [node.id];
    return ids.flatMap((id) => (id?.type === 'Identifier' ? [{ name: id.name, isType, isExported }] : []));
  });
}

/** The names that stand for variables, where they are declared and where they are read: not those of members and keys. */
export function namesRead(program: Program): Mention[] {
  const found: Mention[] = [];
  const others = new Set<number>();
  const skip = ({ computed, key }: { readonly computed: boolean; readonly key: Span }): void => {
    if (!computed) others.add(key.start);
  };
  new Visitor({
    MemberExpression: ({ computed, property }) => skip({ computed, key: property }),
    TSQualifiedName: ({ right }) => {
      others.add(right.start);
    },
    Property: (node) => {
      if (!node.shorthand) skip(node);
    },
    MethodDefinition: skip,
    PropertyDefinition: skip,
    AccessorProperty: skip,
    TSPropertySignature: skip,
    TSMethodSignature: skip,
    'Identifier:exit': ({ name, start, end }) => {
      if (!others.has(start)) found.push({ name, start, end });
    },
  }).visit(program);
  return found;
}

/** The names of members of classes, interfaces and object types. */
export function membersDeclared(program: Program): Mention[] {
  const found: Mention[] = [];
  const member = ({ computed, key }: { readonly computed: boolean; readonly key: QualifiedName }): void => {
    if (!computed && typeof key.name === 'string') found.push({ name: key.name, start: key.start, end: key.end });
  };
  new Visitor({
    MethodDefinition: member,
    PropertyDefinition: member,
    AccessorProperty: member,
    TSAbstractMethodDefinition: member,
    TSAbstractPropertyDefinition: member,
    TSPropertySignature: member,
    TSMethodSignature: member,
  }).visit(program);
  return found;
}

/** The names that types and values are read by, the first part of `a.b`: not those of members, parameters and declarations. */
export function typesMentioned(program: Program): Mention[] {
  const found: Mention[] = [];
  const mention = (node: QualifiedName): void => {
    let first = node;
    while (first.type === 'TSQualifiedName' || first.type === 'MemberExpression')
      first = (first.type === 'MemberExpression' ? first.object : first.left) as QualifiedName;
    if (first.type === 'Identifier') found.push({ name: String(first.name), start: first.start, end: first.end });
  };
  const key = (node: { readonly computed: boolean; readonly key: QualifiedName }): void => {
    if (node.computed) mention(node.key);
  };
  new Visitor({
    TSTypeReference: ({ typeName }) => mention(typeName),
    TSTypeQuery: ({ exprName }) => mention(exprName),
    TSInterfaceHeritage: ({ expression }) => mention(expression),
    TSClassImplements: ({ expression }) => mention(expression),
    ClassDeclaration: ({ superClass }) => {
      if (superClass !== null) mention(superClass);
    },
    MethodDefinition: key,
    PropertyDefinition: key,
    AccessorProperty: key,
    TSAbstractMethodDefinition: key,
    TSAbstractPropertyDefinition: key,
    TSPropertySignature: key,
    TSMethodSignature: key,
  }).visit(program);
  return found;
}

interface QualifiedName extends Span {
  readonly type: string;
  readonly name?: unknown;
  readonly left?: unknown;
  readonly object?: unknown;
}

/** Line number, from 1, of an offset. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

/** A text without some of its stretches, in whose place are spaces: line breaks, and so line numbers, stay. */
export function blank(text: string, spans: readonly Span[]): string {
  let out = '';
  let at = 0;
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    if (start < at) continue; // within the one before
    out += text.slice(at, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
    at = end;
  }
  return out + text.slice(at);
}
