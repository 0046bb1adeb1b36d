/** Short one-line descriptions of values, for messages and `toString()`. */

const LONGEST = 60;
const LINE_BREAKS = /\r\n?|\n|\u2028|\u2029/g;

function shortened(text: string): string {
  const line = text.replace(LINE_BREAKS, '\\n');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line;
}

/** A value as a message shows it. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(shortened(value));
    case 'function':
      return describeFunction(value);
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return String(value);
  }
}

/** Never throws and always ends, whatever value a program passes: proxies that throw, null prototypes, circular objects. */
function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return describeArray(value);
    if (value instanceof Error)
      return value.message === '' ? `${value.name}()` : `${value.name}(${describe(value.message)})`;
    const text = String(value);
    if (!text.startsWith('[object ')) return shortened(text);
    if (Symbol.asyncIterator in value && 'next' in value) return '<async generator object>';
    if (typeof (value as { next?: unknown }).next === 'function') return '<generator object>';
    if (typeof (value as { then?: unknown }).then === 'function') return '<promise>';
    return `<${nameOfClass(value)} object>`;
  } catch {
    return '<object>';
  }
}

const LONGEST_TITLE = 120;

/** What was thrown, in one line: the class and the message of an error, otherwise the value. */
function titleOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return describe(thrown);
    const text = String(thrown).replace(LINE_BREAKS, '\\n');
    return text.length > LONGEST_TITLE ? `${text.slice(0, LONGEST_TITLE - 3)}...` : text;
  } catch {
    return describe(thrown); // a proxy that throws, or an error whose message is not text
  }
}

/** The titles of some errors: the first few, since a message is one line. */
export function titlesOf(errors: readonly unknown[], most = 3): string {
  const titles = errors.slice(0, most).map(titleOf);
  if (errors.length > most) titles.push(`and ${errors.length - most} more`);
  return titles.join('; ');
}

const LONGEST_ARRAY = 6;
/** How deep nested arrays are shown: an array that holds another one twice, and so on, would otherwise give an exponentially long text. */
const DEEPEST_ARRAY = 2;

function describeArray(array: readonly unknown[], outer: readonly unknown[] = []): string {
  if (outer.includes(array) || outer.length > DEEPEST_ARRAY) return '[...]';
  const within = [...outer, array];
  const items = array
    .slice(0, LONGEST_ARRAY)
    .map((item) => (Array.isArray(item) ? describeArray(item, within) : describe(item)));
  if (array.length > LONGEST_ARRAY) items.push('...');
  return shortened(`[${items.join(', ')}]`);
}

/** The name of an object's class. */
export function nameOfClass(value: object): string {
  try {
    const { constructor: type } = value as { constructor?: unknown };
    return typeof type === 'function' && type.name !== '' ? String(type.name) : 'Object';
  } catch {
    return 'Object'; // a proxy that throws
  }
}

/** A function as a message shows it: `f()`. */
export function describeFunction(value: unknown): string {
  let name = '';
  try {
    if (typeof value === 'function') name = String(value.name);
  } catch {
    // a proxy that throws
  }
  return `${name === '' ? '<anonymous>' : name}()`;
}

/** A string in Python's quotes, as task names are shown. */
export function quote(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`;
}
