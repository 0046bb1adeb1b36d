import type * as library from 'asyncio-ts';
import type * as testing from 'asyncio-ts/testing';
import { vi } from 'vitest';

/** What the library believes of its runtime. */
export interface Abilities {
  /** Whether there is `AsyncLocalStorage`: not in browsers. */
  readonly asyncContext: boolean;
}

/** The library as it is in another runtime, and what the test does to end that. */
export interface OtherRuntime {
  readonly lib: typeof library;
  /** Runs a main function in simulated time. */
  simulate<T>(main: () => Promise<T>, options?: { readonly debug?: boolean }): Promise<T>;
  restore(): void;
}

/**
 * Loads the library anew, for a runtime that tells less than Node: one that cannot tell callbacks from lines (Bun, Deno), or has no
 * `AsyncLocalStorage` either. For a test file that calls `vi.resetModules()`, which gets a process of its own.
 */
export async function loadForOtherRuntime({ asyncContext }: Abilities): Promise<OtherRuntime> {
  const node = globalThis.process;
  const getBuiltinModule = (name: string): unknown => {
    const found = node.getBuiltinModule(name) as object | undefined;
    if (!/^(?:node:)?async_hooks$/.test(name) || found === undefined) return found;
    return asyncContext ? { ...found, executionAsyncId: undefined, executionAsyncResource: undefined } : undefined;
  };
  const versions = { ...node.versions, bun: '0.0.0' };
  const other = new Proxy(node, {
    get(target, name) {
      if (name === 'getBuiltinModule') return getBuiltinModule;
      if (name === 'versions') return versions;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  vi.stubGlobal('process', other);
  const lib = await import('asyncio-ts');
  const { VirtualHost }: typeof testing = await import('asyncio-ts/testing');
  const simulate: OtherRuntime['simulate'] = (main, options = {}) =>
    lib.run(main, { ...options, loopFactory: () => new lib.EventLoop({ host: new VirtualHost() }) });
  return { lib, simulate, restore: () => vi.unstubAllGlobals() };
}
