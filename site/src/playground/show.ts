/** Values and errors as text, much as Node's console shows them. */

const DEEPEST = 3;
const MOST_ITEMS = 100;
const LONGEST = 10_000;
const WIDEST = 76;

/** The text of what was given to `console.log`. */
export function shown(values: readonly unknown[]): string {
  const text = values.map((value) => (typeof value === 'string' ? value : inspect(value, 0, new Set()))).join(' ');
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)} … (${text.length - LONGEST} more characters)`;
}

function inspect(value: unknown, depth: number, above: Set<object>): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return value.name === '' ? '[Function (anonymous)]' : `[Function: ${value.name}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (above.has(value)) return '[Circular]';
  above.add(value);
  try {
    return inspectObject(value, depth, above);
  } catch {
    return Object.prototype.toString.call(value); // a proxy or a getter may throw anything
  } finally {
    above.delete(value);
  }
}

function inspectObject(value: object, depth: number, above: Set<object>): string {
  const inner = (part: unknown) => inspect(part, depth + 1, above);
  if (value instanceof Error) return `[${String(value)}]`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof RegExp) return String(value);
  const name = value.constructor?.name ?? 'Object';
  if (depth >= DEEPEST) return Array.isArray(value) ? '[Array]' : `[${name}]`;
  if (Array.isArray(value)) return listed('[', ']', some(value, inner));
  if (value instanceof Map) {
    const pairs = some([...value], ([key, entry]) => `${inner(key)} => ${inner(entry)}`);
    return listed(`Map(${value.size}) {`, '}', pairs);
  }
  if (value instanceof Set) return listed(`Set(${value.size}) {`, '}', some([...value], inner));
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return listed(`${name}(${value.length}) [`, ']', some(Array.from(value as Uint8Array), inner));
  }
  // Classes of the library say what they are.
  if (name !== 'Object' && value.toString !== Object.prototype.toString) return String(value);
  const pairs = some(
    Object.entries(value),
    ([key, entry]) => `${/^[\w$]+$/.test(key) ? key : quoted(key)}: ${inner(entry)}`,
  );
  return listed(name === 'Object' ? '{' : `${name} {`, '}', pairs);
}

function some<T>(items: readonly T[], show: (item: T) => string): string[] {
  const texts = items.slice(0, MOST_ITEMS).map((item) => show(item));
  return items.length > MOST_ITEMS ? [...texts, `… ${items.length - MOST_ITEMS} more`] : texts;
}

function listed(open: string, close: string, items: readonly string[]): string {
  if (items.length === 0) return open + close;
  const line = `${open} ${items.join(', ')} ${close}`;
  if (line.length <= WIDEST && !line.includes('\n')) return line;
  return `${open}\n${items.map((item) => `  ${item.replaceAll('\n', '\n  ')}`).join(',\n')}\n${close}`;
}

function quoted(text: string): string {
  return text.includes("'") && !text.includes('"')
    ? `"${text}"`
    : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** The lines that tell of an error that a program did not catch: what, and in which line of the program. */
export function errorLines(error: unknown, lineOf: (stack: string) => number | null, depth = 0): string[] {
  const indent = '  '.repeat(depth);
  if (!(error instanceof Error)) return [`${indent}${shown(['Uncaught', error])}`];
  const line = lineOf(error.stack ?? '');
  const place = line === null ? '' : ` (line ${line})`;
  const [first = '', ...rest] = String(error).split('\n');
  const lines = [`${indent}${first}${place}`, ...rest.map((text) => `${indent}${text}`)];
  if (depth >= DEEPEST) return lines;
  const parts = 'errors' in error && Array.isArray(error.errors) ? error.errors.slice(0, 10) : [];
  for (const part of parts) lines.push(...errorLines(part, lineOf, depth + 1));
  return lines;
}
