/**
 * Rewrites `await x` as `await wrap(x)`, so that what only this library can await can be awaited by typed code. The engine passes a plain
 * generator through an `await`, and nothing but another text can change that.
 *
 * Code that is not understood here is returned as it is.
 *
 * @param wrap the name of a function
 */
export function wrapAwaits(code: string, wrap: string): string {
  const tokens = tokenize(code);
  if (tokens === null) return code;
  const edits: { readonly at: number; readonly until: number; readonly text: string }[] = [];
  for (const [i, { text, kind, start, end }] of tokens.entries()) {
    if (kind === 'template') edits.push({ at: start, until: end, text: wrapInTemplate(text, wrap) });
    if (kind !== 'word' || text !== 'await' || !isOperator(tokens, i)) continue;
    const last = endOfOperand(tokens, i + 1);
    if (last === null) continue;
    const [from, to] = [tokens[i + 1]!.start, tokens[last]!.end];
    edits.push({ at: from, until: from, text: `${wrap}(` }, { at: to, until: to, text: ')' });
  }
  // From the end on, so that places stay what they are. Operands may be nested: `await f(await g())`.
  edits.sort((a, b) => b.at - a.at || b.until - a.until);
  let rewritten = code;
  for (const { at, until, text } of edits) rewritten = rewritten.slice(0, at) + text + rewritten.slice(until);
  return rewritten;
}

interface Token {
  readonly kind: 'word' | 'literal' | 'template' | 'punctuation';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/y;
const WORD = /#?[\p{ID_Start}$_\\](?:[\p{ID_Continue}$\\]|\u200c|\u200d)*/uy;
const NUMBER = /(?:0[xXoObB][\da-fA-F_]+n?|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?n?)/y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const PUNCTUATION = /=>|\?\.(?!\d)|\*\*=?|&&=?|\|\|=?|\?\?=?|\.\.\.|\+\+|--|[-+*/%&|^<>=!]=*|[\s\S]/y;

/** Words after which a slash begins a regular expression. */
const BEFORE_VALUE = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

/** `null` when the text is no complete code. */
function tokenize(code: string): Token[] | null {
  const tokens: Token[] = [];
  for (let at = skip(SPACE, code, 0); at < code.length; at = skip(SPACE, code, tokens.at(-1)!.end)) {
    const token = nextToken(code, at, tokens.at(-1));
    if (token === null) return null;
    tokens.push(token);
  }
  return tokens;
}

function nextToken(code: string, start: number, before: Token | undefined): Token | null {
  const make = (kind: Token['kind'], end: number): Token => ({ kind, text: code.slice(start, end), start, end });
  if (code[start] === '`') {
    const end = endOfTemplate(code, start);
    return end === null ? null : make('template', end);
  }
  for (const [kind, pattern] of [
    ['word', WORD],
    ['literal', NUMBER],
    ['literal', STRING],
  ] as const) {
    const end = skip(pattern, code, start);
    if (end > start) return make(kind, end);
  }
  if (code[start] === "'" || code[start] === '"') return null; // without its end
  if (code[start] === '/' && !isValue(before)) {
    const end = skip(REGEX, code, start);
    if (end > start) return make('literal', end);
  }
  return make('punctuation', skip(PUNCTUATION, code, start));
}

/** Whether a token may be the end of a value, so that a slash after it divides. */
function isValue(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'word') return !BEFORE_VALUE.has(token.text);
  return token.kind !== 'punctuation' || [')', ']', '}'].includes(token.text);
}

/** The end of a template, whose parts are code again. */
function endOfTemplate(code: string, start: number): number | null {
  for (let at = start + 1; at < code.length; at++) {
    if (code[at] === '\\') at++;
    else if (code[at] === '`') return at + 1;
    else if (code.startsWith('${', at)) {
      const end = endOfPart(code, at + 2);
      if (end === null) return null;
      at = end;
    }
  }
  return null;
}

/** The same for the code in a template. */
function wrapInTemplate(template: string, wrap: string): string {
  let rewritten = '';
  let at = 0;
  for (let i = 1; i < template.length; i++) {
    if (template[i] === '\\') i++;
    else if (template.startsWith('${', i)) {
      const end = endOfPart(template, i + 2)!;
      rewritten += template.slice(at, i + 2) + wrapAwaits(template.slice(i + 2, end), wrap);
      at = end;
      i = end;
    }
  }
  return rewritten + template.slice(at);
}

/** Where the `}` of a part of a template is. */
function endOfPart(code: string, start: number): number | null {
  let depth = 0;
  let before: Token | undefined;
  for (let at = skip(SPACE, code, start); at < code.length; at = skip(SPACE, code, before.end)) {
    before = nextToken(code, at, before) ?? undefined;
    if (before === undefined) return null;
    if (before.text === '{') depth++;
    if (before.text === '}' && depth-- === 0) return at;
  }
  return null;
}

function skip(pattern: RegExp, code: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(code) ? pattern.lastIndex : at;
}

/** Whether the word `await` at a place is the operator: no name of a property, and not that of `for await` and `await using`. */
function isOperator(tokens: readonly Token[], at: number): boolean {
  const [before, after, next] = [tokens[at - 1]?.text, tokens[at + 1]?.text, tokens[at + 2]];
  if (before === '.' || before === '?.' || before === 'for' || after === undefined) return false;
  const isDeclaration = after === 'using' && next?.kind === 'word' && !['in', 'instanceof'].includes(next.text);
  return !isDeclaration && ![':', ',', ')', '=', ';', '=>'].includes(after);
}

const PREFIXES = new Set(['!', '~', '+', '-', 'typeof', 'void', 'delete', 'await', 'new']);
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The last token of the operand that begins at a place; `null` where it is none. */
function endOfOperand(tokens: readonly Token[], start: number): number | null {
  let at = start;
  while (PREFIXES.has(tokens[at]?.text ?? '')) at++;
  let end = endOfPrimary(tokens, at);
  while (end !== null) {
    const next: string | undefined = tokens[end + 1]?.text;
    if (next === '(' || next === '[') end = endOfGroup(tokens, end + 1);
    else if (next === '.') end = end + 2;
    else if (next === '?.')
      end = CLOSING[tokens[end + 2]?.text ?? ''] === undefined ? end + 2 : endOfGroup(tokens, end + 2);
    else if (tokens[end + 1]?.kind === 'template') end++;
    else break;
  }
  return end !== null && end < tokens.length ? end : null;
}

function endOfPrimary(tokens: readonly Token[], at: number): number | null {
  const token = tokens[at];
  if (token === undefined) return null;
  const isFunction =
    token.text === 'function' ||
    token.text === 'class' ||
    (token.text === 'async' && tokens[at + 1]?.text === 'function');
  if (isFunction) {
    for (let i = at; i < tokens.length; i++) {
      const { text } = tokens[i]!;
      if (text === '{') return endOfGroup(tokens, i);
      if (text === '(' || text === '[') i = endOfGroup(tokens, i) ?? tokens.length;
    }
    return null;
  }
  if (token.kind !== 'punctuation') return at;
  return CLOSING[token.text] === undefined ? null : endOfGroup(tokens, at);
}

/** The token that closes the group which one opens. */
function endOfGroup(tokens: readonly Token[], start: number): number | null {
  const open: string[] = [];
  for (let at = start; at < tokens.length; at++) {
    const { text, kind } = tokens[at]!;
    if (kind !== 'punctuation') continue;
    const closing = CLOSING[text];
    if (closing !== undefined) open.push(closing);
    else if (text === ')' || text === ']' || text === '}') {
      if (open.pop() !== text) return null;
      if (open.length === 0) return at;
    }
  }
  return null;
}
