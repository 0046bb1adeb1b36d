/**
 * Blanks out comments, and on request the contents of strings, of a TypeScript text. Everything else, and every line
 * break, stays where it was, so that offsets and line numbers still hold.
 *
 * A parser would be exact, but the native TypeScript compiler offers none that is stable; for finding imports,
 * member names and declarations this scanner is enough. It knows strings, templates with nested code, and regular
 * expressions (told from division by what stands before them).
 */
export function blank(text: string, options: { strings: boolean }): string {
  const out: string[] = [];
  /** Open templates: the number of braces open inside the `${` of each. */
  const templates: number[] = [];
  let at = 0;
  /** The last significant piece of code: decides whether a slash begins a regular expression. */
  let before = '';

  const keep = (end: number) => {
    out.push(text.slice(at, end));
    at = end;
  };
  const hide = (end: number) => {
    out.push(text.slice(at, end).replace(/[^\n]/g, ' '));
    at = end;
  };
  const inner = options.strings ? hide : keep;

  const template = () => {
    // at is behind the ` or the } that begins a stretch of literal text
    let end = at;
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) end += text[end] === '\\' ? 2 : 1;
    inner(Math.min(end, text.length));
    if (text[at] === '`') {
      keep(at + 1);
      before = '`';
    } else if (at < text.length) {
      keep(at + 2);
      templates.push(0);
      before = '{';
    }
  };

  while (at < text.length) {
    const c = text[at]!;
    if (text.startsWith('//', at)) {
      const end = text.indexOf('\n', at);
      hide(end < 0 ? text.length : end);
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      hide(end < 0 ? text.length : end + 2);
    } else if (c === '"' || c === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== c && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
      keep(at + 1);
      inner(Math.min(end, text.length));
      keep(at + 1);
      before = c;
    } else if (c === '`') {
      keep(at + 1);
      template();
    } else if (c === '}' && templates.at(-1) === 0) {
      templates.pop();
      keep(at + 1);
      template();
    } else if (c === '/' && beginsRegExp(before)) {
      let end = at + 1;
      let inClass = false;
      while (end < text.length && text[end] !== '\n' && (inClass || text[end] !== '/')) {
        if (text[end] === '[') inClass = true;
        else if (text[end] === ']') inClass = false;
        end += text[end] === '\\' ? 2 : 1;
      }
      keep(at + 1);
      inner(Math.min(end, text.length));
      keep(at + 1);
      before = '/re/';
    } else if (/[\w$]/.test(c)) {
      const word = /[\w$]+/y;
      word.lastIndex = at;
      before = word.exec(text)![0];
      keep(at + before.length);
    } else {
      if (templates.length > 0 && c === '{') templates[templates.length - 1]!++;
      if (templates.length > 0 && c === '}') templates[templates.length - 1]!--;
      if (!/\s/.test(c)) before = c;
      keep(at + 1);
    }
  }
  return out.join('');
}

function beginsRegExp(before: string): boolean {
  if (/^(return|typeof|case|in|of|do|else|void|delete|throw|new|yield|await)$/.test(before)) return true;
  return before === '' || /^[({[,;=:!&|?+\-*%<>~^}]$/.test(before);
}

/** Line number, from 1, of an offset. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
