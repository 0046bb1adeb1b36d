import { globals, isSwitchedOn } from './platform.ts';

/** What tools need that test, explain or watch a program, inside the process or from outside. */

/**
 * Stores a value in a global property under a well-known symbol, for tools that look into the process from outside.
 * Returns the value that was stored there first.
 */
export function publish<T extends object>(name: string, value: T): T {
  const found = published(name);
  if (found !== undefined) return found as T;
  Object.defineProperty(globals(), Symbol.for(name), { value, configurable: true, enumerable: false });
  return value;
}

/**
 * Stores a value in a global property under a well-known symbol for a short time, for the runtime's inspector. Returns
 * a function that removes it.
 */
export function publishBriefly(name: string, value: object): () => void {
  const key = Symbol.for(name);
  Object.defineProperty(globals(), key, { value, configurable: true, enumerable: false });
  return () => Reflect.deleteProperty(globals(), key);
}

/** What has been published under a name in this thread. */
export function published(name: string): unknown {
  return globals()[Symbol.for(name)];
}

/** A module of the runtime, such as `node:inspector`; `undefined` where there is none. */
export function builtinModule(name: string): unknown {
  return globals().process?.getBuiltinModule?.(name);
}

/**
 * The kinds of resources that are active in the process, as the runtime names them; `null` where it does not list them.
 */
export function activeResources(): readonly string[] | null {
  const { process } = globals<{ readonly process?: { getActiveResourcesInfo?(): string[] } }>();
  // Bun always says that there are none.
  if (process?.versions !== undefined && 'bun' in process.versions) return null;
  return process?.getActiveResourcesInfo?.() ?? null;
}

/** What a console may have for developer tools. */
export interface DevtoolsConsole {
  timeStamp?(label: string, start: number, end: number, track: string, group: string, color: string): void;
  createTask?(name: string): { run(step: () => void): unknown };
}

/** What the console of the runtime has for developer tools. */
export function devtoolsConsole(): DevtoolsConsole {
  return (globals().console ?? {}) as DevtoolsConsole;
}

/** Whether `ASYNCIO_SWEEP=1` is set in the environment. */
export function sweepFromEnvironment(): boolean {
  return isSwitchedOn('ASYNCIO_SWEEP');
}
