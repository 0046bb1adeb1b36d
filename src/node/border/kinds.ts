import { types } from 'node:util';
import { v8 } from '../late.ts';
import type { Border } from './packed.ts';
import { className, guarded, isError } from './reading.ts';

/** How an object is sent. */
export type Kind =
  /** Sent as it is; it contains no values of the program. */
  | 'leaf'
  | 'array'
  | 'map'
  | 'set'
  /** Its enumerable properties are sent. */
  | 'plain'
  /** The same, but it is an instance of a class, so the runtime may refuse it for reasons that cannot be checked before. */
  | 'instance'
  | 'error'
  | Refused;

/** The end of a sentence: ` is a URL, which cannot be cloned`. */
export interface Refused {
  readonly refused: string;
}

/** Called for each object that is sent. */
export function kindOf(value: object, border: Border): Kind {
  if (isError(value)) return 'error';
  if (Array.isArray(value)) return types.isProxy(value) ? PROXY : 'array';
  if (types.isProxy(value)) return PROXY;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return 'plain';
  if (prototype === null) return types.isModuleNamespaceObject(value) ? { refused: ' is a module' } : 'plain';
  if (ArrayBuffer.isView(value)) return buffer(value.buffer, border);
  if (types.isAnyArrayBuffer(value)) return buffer(value, border);
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (types.isDate(value) || types.isRegExp(value)) return 'leaf';
  if (types.isBoxedPrimitive(value)) return types.isSymbolObject(value) ? { refused: ' is a symbol' } : 'leaf';
  if (Object.getPrototypeOf(prototype) === null && className(prototype as object) === 'Object') return 'plain'; // of another realm
  return instance(value, prototype as object, border);
}

const PROXY: Refused = { refused: ' is a Proxy' };

function buffer(value: ArrayBufferLike, border: Border): Kind {
  if (types.isSharedArrayBuffer(value))
    return border === 'thread' ? 'leaf' : { refused: ' is shared memory, which processes do not share' };
  // `detached` is newer than the oldest runtime; detached buffers have no bytes anyhow.
  return value.byteLength === 0 && (value as { detached?: boolean }).detached === true
    ? { refused: ' is an ArrayBuffer that was transferred' }
    : 'leaf';
}

/**
 * An instance of a program's class is sent as its properties, as `structuredClone` does. An instance whose state is not in properties, or
 * that belongs to the runtime, would arrive as an empty object in some runtimes and be refused in others. Here it is sent if its clone is
 * of the same class, and refused otherwise, in all of them.
 */
function instance(value: object, prototype: object, border: Border): Kind {
  if (Object.keys(value).length > 0 && !isOfRuntime(prototype)) return 'instance';
  return clonesAsItself(value, prototype, border)
    ? 'leaf'
    : { refused: ` is ${article(className(value))}, which cannot be cloned` };
}

function clonesAsItself(value: object, prototype: object, border: Border): boolean {
  return guarded(() => {
    const clone: unknown = border === 'thread' ? structuredClone(value) : v8().deserialize(v8().serialize(value));
    return Object.getPrototypeOf(clone) === prototype;
  }, false);
}

const known = new WeakMap<object, boolean>([[Object.prototype, false]]);
const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/**
 * Some runtimes write these classes in JavaScript, so that they look like a program's. Each is read when a class of its name is met:
 * reading `Headers` and the like makes Node load its whole HTTP client, 64 modules and 3 MB.
 */
const WRITTEN_IN_JAVASCRIPT: Readonly<Record<string, () => unknown>> = {
  __proto__: null as never,
  AbortController: () => AbortController,
  Blob: () => Blob,
  EventTarget: () => EventTarget,
  Event: () => Event,
  FormData: () => FormData,
  Headers: () => Headers,
  ReadableStream: () => ReadableStream,
  Request: () => Request,
  Response: () => Response,
  TextDecoder: () => TextDecoder,
  TextEncoder: () => TextEncoder,
  TransformStream: () => TransformStream,
  URL: () => URL,
  URLSearchParams: () => URLSearchParams,
  WritableStream: () => WritableStream,
};

/** Whether a prototype, or one behind it, belongs to a class of the runtime. */
function isOfRuntime(prototype: object): boolean {
  const chain: object[] = [];
  let found: boolean | undefined;
  for (let at: object | null = prototype; at !== null && found === undefined; at = Object.getPrototypeOf(at)) {
    found = known.get(at);
    if (found === undefined) {
      chain.push(at);
      if (isClassOfRuntime(Object.getOwnPropertyDescriptor(at, 'constructor')?.value)) found = true;
    }
  }
  for (const link of chain) known.set(link, found ?? false);
  return found ?? false;
}

function isClassOfRuntime(Class: unknown): boolean {
  if (typeof Class !== 'function' || Class === Object) return false;
  return (
    WRITTEN_IN_JAVASCRIPT[className(Class.prototype)]?.() === Class ||
    NATIVE.test(Function.prototype.toString.call(Class))
  );
}

function article(name: string): string {
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
}
