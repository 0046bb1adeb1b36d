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
    ...ofMembers(skip),
    MemberExpression: ({ computed, property }) => skip({ computed, key: property }),
    TSQualifiedName: ({ right }) => {
      others.add(right.start);
    },
    Property: (node) => {
      if (!node.shorthand) skip(node);
    },
    'Identifier:exit': ({ name, start, end }) => {
      if (!others.has(start)) found.push({ name, start, end });
    },
  }).visit(program);
  return found;
}

/** The names of members of classes, interfaces and object types. */
export function membersDeclared(program: Program): Mention[] {
  const found: Mention[] = [];
  const member = ({ computed, key }: Member): void => {
    if (!computed && typeof key.name === 'string') found.push({ name: key.name, start: key.start, end: key.end });
  };
  new Visitor(ofMembers(member)).visit(program);
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
  const key = (node: Member): void => {
    if (node.computed) mention(node.key);
  };
  new Visitor({
    ...ofMembers(key),
    TSTypeReference: ({ typeName }) => mention(typeName),
    TSTypeQuery: ({ exprName }) => mention(exprName),
    TSInterfaceHeritage: ({ expression }) => mention(expression),
    TSClassImplements: ({ expression }) => mention(expression),
    ClassDeclaration: ({ superClass }) => {
      if (superClass !== null) mention(superClass);
    },
  }).visit(program);
  return found;
}

/** A member of a class, an interface or an object type. */
interface Member {
  readonly computed: boolean;
  readonly key: QualifiedName;
}

/** Visits members of each kind in the same way. */
function ofMembers(visit: (member: Member) => void) {
  return {
    MethodDefinition: visit,
    PropertyDefinition: visit,
    AccessorProperty: visit,
    TSAbstractMethodDefinition: visit,
    TSAbstractPropertyDefinition: visit,
    TSAbstractAccessorProperty: visit,
    TSPropertySignature: visit,
    TSMethodSignature: visit,
  };
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
