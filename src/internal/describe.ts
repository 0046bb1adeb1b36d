/** Short one-line pictures of values, for messages and `toString()`. */

const LONGEST = 60;

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text;
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

function describeObject(value: object): string {
  if (Array.isArray(value)) return shortened(`[${value.slice(0, 6).map(describe).join(', ')}${value.length > 6 ? ', ...' : ''}]`);
  if (value instanceof Error) return value.message === '' ? `${value.name}()` : `${value.name}(${describe(value.message)})`;
  try {
    const text = String(value);
    if (!text.startsWith('[object ')) return shortened(text);
    if (typeof (value as { next?: unknown }).next === 'function') return '<generator object>';
    if (typeof (value as { then?: unknown }).then === 'function') return '<promise>';
    return `<${nameOfClass(value)} object>`;
  } catch {
    return '<object>';
  }
}

/** The name of an object's class. */
export function nameOfClass(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'Object';
}

/** A function as a message shows it: `f()`. */
export function describeFunction(value: unknown): string {
  const name = typeof value === 'function' ? value.name : '';
  return `${name === '' ? '<anonymous>' : name}()`;
}

/** A string in Python's quotes, as task names are shown. */
export function quote(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`;
}
