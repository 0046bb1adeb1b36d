import type { Inspector, RemoteObject, RemoteProperty } from './inspector.ts';
import { Scripts } from './scripts.ts';

/** What the inspector knows of a suspended generator. */
export interface GeneratorDetails {
  /** The name of its function; empty where that has none. */
  readonly name: string;
  /** Where it is suspended, as `file:line:column`; `null` where that was not asked for. */
  readonly place: string | null;
  /** Its local variables, in one line each; `null` where they were not asked for. */
  readonly locals: Readonly<Record<string, string>> | null;
}

/** Objects that the inspector keeps for this tool, to be released together. */
const GROUP = 'asyncio-ts';
/** So many local variables are shown. */
const MOST_LOCALS = 50;

/** Asks the inspector about generators. */
export class Generators {
  readonly #inspector: Inspector;
  readonly #scripts: Scripts | null;

  constructor(inspector: Inspector, scripts: Scripts | null = null) {
    this.#inspector = inspector;
    this.#scripts = scripts;
  }

  /** For places and local variables. It costs the process some milliseconds, once, to name its files. */
  static async withPlaces(inspector: Inspector): Promise<Generators> {
    return new Generators(inspector, await Scripts.of(inspector));
  }

  /** @param expression gives an array of generators in the process */
  async describe(expression: string, withLocals: boolean): Promise<GeneratorDetails[]> {
    const array = await this.#inspector.evaluate(expression, { objectGroup: GROUP });
    try {
      const { own } = await this.#inspector.properties(array.objectId!);
      const objects = own.filter(({ name }) => /^\d+$/.test(name)).map(({ value }) => value!);
      const found: GeneratorDetails[] = [];
      for (const object of objects) found.push(await this.#detailsOf(object, withLocals));
      return found;
    } finally {
      await this.#inspector.send('Runtime.releaseObjectGroup', { objectGroup: GROUP });
    }
  }

  async #detailsOf(object: RemoteObject, withLocals: boolean): Promise<GeneratorDetails> {
    const className = object.className ?? '';
    // What has no function of its own is called after its class.
    const name =
      object.subtype === 'generator' && !/^(?:Generator|Object|GeneratorFunction)$/.test(className) ? className : '';
    if (!withLocals || this.#scripts === null || object.subtype !== 'generator' || object.objectId === undefined)
      return { name, place: null, locals: null };
    const { internal } = await this.#inspector.properties(object.objectId);
    const of = (key: string): RemoteObject | undefined => internal.find((property) => property.name === key)?.value;
    return { name, place: this.#placeOf(of('[[GeneratorLocation]]')), locals: await this.#localsOf(of('[[Scopes]]')) };
  }

  #placeOf(location: RemoteObject | undefined): string | null {
    const at = location?.value as { scriptId: string; lineNumber: number; columnNumber: number } | undefined;
    return at === undefined ? null : this.#scripts!.place(at.scriptId, at.lineNumber, at.columnNumber);
  }

  async #localsOf(scopes: RemoteObject | undefined): Promise<Record<string, string>> {
    const locals: Record<string, string> = {};
    if (scopes?.objectId === undefined) return locals;
    const { own } = await this.#inspector.properties(scopes.objectId);
    for (const { name, value } of own) {
      // Of the function itself: its blocks, then its own scope. What is further out is of others.
      if (!/^\d+$/.test(name) || value?.objectId === undefined) continue;
      const isOwn = /^(?:Local|Block|Catch|With)\b/.test(value.description ?? '');
      if (!isOwn) break;
      const variables = await this.#inspector.properties(value.objectId, { generatePreview: true });
      for (const variable of variables.own) {
        if (Object.keys(locals).length >= MOST_LOCALS) return locals;
        if (!(variable.name in locals)) locals[variable.name] = textOf(variable);
      }
      if (/^Local\b/.test(value.description ?? '')) break;
    }
    return locals;
  }
}

/** A value in one line. */
function textOf({ value }: RemoteProperty): string {
  if (value === undefined) return '<not available>';
  if (value.type === 'string') return JSON.stringify(shorten(String(value.value)));
  if (value.type === 'function')
    return `${/^(?:async )?(?:function\*? ?)?[\w$]*/.exec(value.description ?? '')![0].trim()}()`;
  if (value.preview === undefined)
    return shorten(value.description ?? value.unserializableValue ?? String(value.value));
  const { properties, overflow } = value.preview;
  const isArray = value.subtype === 'array' || value.subtype === 'typedarray';
  const items = properties.map(({ name, type, value: text = type }) => {
    const item = type === 'string' ? JSON.stringify(text) : text;
    return isArray && /^\d+$/.test(name) ? item : `${name}: ${item}`;
  });
  if (overflow) items.push('…');
  const title = isArray || value.description === 'Object' ? '' : `${value.description} `;
  const body = isArray ? `[${items.join(', ')}]` : items.length === 0 ? '{}' : `{ ${items.join(', ')} }`;
  return shorten(`${title}${body}`);
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
