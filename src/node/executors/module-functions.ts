import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { exportNotFound, functionsOf } from './export-not-found.ts';
import type { ModuleWork } from './work.ts';

/**
 * A function that a module exports, with the names by which a worker can find it. When it is called directly, it loads the module and runs
 * in this thread.
 */
export interface ModuleFunction<A extends unknown[] = never[], R = unknown> {
  (...args: A): Promise<Awaited<R>>;
  /** The address of the module. */
  readonly module: string;
  /** The name of the export. */
  readonly exportName: string;
}

/** The functions of a module, each as a `ModuleFunction` of its types. */
export type ModuleFunctions<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? ModuleFunction<A, R>
    : never;
};

const works = new WeakMap<object, ModuleWork>();

/** The message to a worker for a function from `moduleFunctions`; `undefined` for other functions. */
export function moduleWork(fn: object): ModuleWork | undefined {
  return works.get(fn);
}

/**
 * The functions of a module, by name and with their types, for executors: a worker loads the module and calls the function there. The
 * module is not loaded here, and need not exist yet.
 *
 * A worker loads each module once, and keeps its state until it ends. Modules in TypeScript need a runtime that can load them.
 *
 * @param module its address: a `URL`, or text with a scheme. A relative address is not possible: write
 * `new URL('./work.ts', import.meta.url)`. For workers on other machines a name, `app:work`: they have the functions already.
 * @throws {ValueError} when the address is not absolute
 * @throws {TypeError} when it is neither a `URL` nor a string
 * @example
 * // Of a file: moduleFunctions<typeof import('./work.ts')>(new URL('./work.ts', import.meta.url))
 * const zlib = moduleFunctions<typeof import('node:zlib')>('node:zlib');
 * const packed = await toThread(zlib.gzipSync, 'a long text');
 */
export function moduleFunctions<M extends object>(module: URL | string): ModuleFunctions<M> {
  const url = absolute(module);
  const made = new Map<string, ModuleFunction>();
  return new Proxy(Object.create(null) as ModuleFunctions<M>, {
    get(_target, name) {
      if (name === 'toString') return () => `<functions of ${url}>`;
      if (typeof name !== 'string' || READ_BY_THE_LANGUAGE.includes(name)) return undefined;
      const fn = made.get(name) ?? moduleFunction(url, name);
      made.set(name, fn);
      return fn;
    },
  });
}

/**
 * Methods that `await`, `JSON.stringify` and operators look for in any object, and call. They are absent here, because such a call would be that of a
 * function of the module: it would fail, and nobody would handle its rejection.
 */
const READ_BY_THE_LANGUAGE: readonly string[] = ['then', 'toJSON', 'valueOf'];

function moduleFunction(url: string, exportName: string): ModuleFunction {
  const run = async (...args: never[]): Promise<unknown> => {
    const module = await loaded(url, exportName);
    const fn = module[exportName];
    if (typeof fn !== 'function')
      throw exportNotFound(exportName, functionsOf(module), `the module ${url} exports no function ${exportName}`);
    return fn(...args);
  };
  Object.defineProperty(run, 'name', { value: exportName, configurable: true });
  const fn = Object.assign(run, { module: url, exportName });
  works.set(fn, { url, exportName });
  return fn;
}

async function loaded(url: string, exportName: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw ADDRESS.test(url) ? error : notLoadable(url, exportName, error);
  }
}

/** What runtimes load modules from. Anything else, such as `app:work`, is a name. */
const ADDRESS = /^(?:file|data|node|blob|https?|npm|jsr|bun):/;

/** @param cause what the runtime says: with a loader of the program, such a name can be that of a module, which has failed */
function notLoadable(url: string, exportName: string, cause: unknown): TypeError {
  const error = typeError(
    `${exportName}() of ${url} cannot be called here: that is a name which workers of a DistributedExecutor know, not the address of a module; ` +
      `import ${exportName} from its file, or submit it to a DistributedExecutor`,
    'NOT_AN_ADDRESS',
  );
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

function absolute(module: unknown): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== 'string')
    throw typeError(`moduleFunctions: the address of a module is required, a URL or a string, got ${describe(module)}`);
  if (!URL.canParse(module)) {
    throw new ValueError(
      `moduleFunctions: the address must be absolute, got ${describe(module)}; write new URL(${describe(module)}, import.meta.url), ` +
        "or, for workers on other machines, a name such as 'app:work'",
      { code: 'RELATIVE_MODULE' },
    );
  }
  return new URL(module).href;
}
