import { builtinModule, publishBriefly } from '../kernel/lowlevel.ts';
import { type CallFrame, pathOf } from './frames.ts';
import { mapped } from './source-map.ts';

/**
 * Where suspended generators are. JavaScript does not tell, but the engine's inspector does, and Node gives a program a session of its own:
 * nothing is paused, and no port is opened. The session lasts for one question.
 */

interface Session {
  connect(): void;
  disconnect(): void;
  on(event: string, listener: (message: { readonly params: unknown }) => void): void;
  post(method: string, params: object, done: (error: unknown, result?: unknown) => void): void;
}

interface Property {
  readonly name: string;
  readonly value?: { readonly objectId?: string; readonly value?: unknown; readonly description?: string };
}

interface Properties {
  readonly result: readonly Property[];
  readonly internalProperties?: readonly Property[];
}

/** The addresses of scripts, which never change: to have them told takes the engine tens of milliseconds in a large program. */
const addresses = new Map<string, string>();

const SLOT = 'asyncio-ts generators';

/**
 * The frames of suspended generators: for each one its function and the line where it is suspended; `null` for what is no generator, and
 * where there is no inspector, as in Bun and in browsers.
 */
export function placesOfGenerators(generators: readonly object[]): (CallFrame | null)[] {
  const unknown = generators.map(() => null);
  if (generators.length === 0) return unknown;
  const inspector = builtinModule('node:inspector') as { Session?: new () => Session } | undefined;
  if (inspector?.Session === undefined) return unknown;
  let session: Session | null = null;
  const takeBack = publishBriefly(SLOT, [...generators]);
  try {
    session = new inspector.Session();
    session.connect();
    return placesBy(session, generators.length);
  } catch {
    return unknown; // the program may not use the inspector
  } finally {
    takeBack();
    try {
      session?.disconnect();
    } catch {
      // It was never connected.
    }
  }
}

function placesBy(session: Session, count: number): (CallFrame | null)[] {
  const expression = `globalThis[Symbol.for('${SLOT}')]`;
  const group = { objectGroup: 'asyncio-ts' };
  const { result } = ask<{ result: { objectId?: string } }>(session, 'Runtime.evaluate', { expression, ...group });
  const list = propertiesOf(session, result.objectId);
  const frames = Array.from({ length: count }, (_, at) => {
    const id = list.result.find(({ name }) => name === String(at))?.value?.objectId;
    return id === undefined ? null : frameOf(session, id);
  });
  session.post('Runtime.releaseObjectGroup', group, () => {});
  return frames;
}

function frameOf(session: Session, objectId: string): CallFrame | null {
  const { internalProperties = [] } = propertiesOf(session, objectId);
  const inside = (name: string) => internalProperties.find((property) => property.name === name)?.value;
  const source = inside('[[GeneratorFunction]]')?.description;
  const at = inside('[[GeneratorLocation]]')?.value as
    | { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number }
    | undefined;
  if (source === undefined || at === undefined) return null;
  const url = addressOf(session, at.scriptId);
  const name = /^(?:async\s+)?(?:function\s*)?\*?\s*([^\s(]*)\s*\(/.exec(source)?.[1] ?? '';
  const place = { line: at.lineNumber + 1, column: (at.columnNumber ?? 0) + 1 };
  if (url === undefined) return { name, kind: 'generator', file: null, ...place };
  const origin = mapped(url, place.line, place.column);
  return { name, kind: 'generator', file: pathOf(origin.file), line: origin.line, column: origin.column };
}

function addressOf(session: Session, scriptId: string): string | undefined {
  if (!addresses.has(scriptId)) {
    session.on('Debugger.scriptParsed', ({ params }) => {
      const { scriptId: id, url } = params as { scriptId: string; url: string };
      addresses.set(id, url);
    });
    ask(session, 'Debugger.enable', {});
    ask(session, 'Debugger.disable', {});
    if (!addresses.has(scriptId)) addresses.set(scriptId, '');
  }
  const url = addresses.get(scriptId);
  return url === '' ? undefined : url;
}

function propertiesOf(session: Session, objectId: string | undefined): Properties {
  return ask<Properties>(session, 'Runtime.getProperties', { objectId, ownProperties: true });
}

/** A session with its own thread answers at once. */
function ask<T>(session: Session, method: string, params: object): T {
  let answer: T | undefined;
  let failure: unknown;
  session.post(method, params, (error, result) => {
    failure = error;
    answer = result as T;
  });
  if (answer === undefined) throw failure ?? new Error(`${method} was not answered`);
  return answer;
}
