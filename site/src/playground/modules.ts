import { nearest } from '../../../src/internal/options.ts';

/** What a program can import, and what it is told when it asks for something else. */

/** What somebody may well try to import, and why it is not here. */
const ELSEWHERE: readonly (readonly [name: RegExp, why: string])[] = [
  [
    /^asyncio-ts\/node$/,
    'It needs sockets, processes and files, which a page has not: run the program with Node, Bun or Deno.',
  ],
  [
    /^asyncio-ts\/(vitest|jest|node-test|bun-test)$/,
    'It needs its test runner. `runVirtual` of asyncio-ts/testing works here.',
  ],
  [
    /^(node:|fs$|path$|http$|net$|events$|child_process$|os$|util$|timers)/,
    'It is a module of Node, and this is a page.',
  ],
  [/^\.{0,2}\//, 'The program here is a single file.'],
];

/** Gives modules by name, as `require` does. */
export function importer(modules: Readonly<Record<string, object>>): (name: string) => object {
  const guarded = new Map(Object.entries(modules).map(([name, module]) => [name, strict(name, module)]));
  return (name) => {
    const module = guarded.get(name);
    if (module !== undefined) return module;
    const reason = ELSEWHERE.find(([pattern]) => pattern.test(name))?.[1] ?? '';
    const names = [...guarded.keys()].map((known) => `'${known}'`).join(' and ');
    throw new ImportError(
      `'${name}' cannot be imported here. ${reason}${reason === '' ? '' : ' '}Programs of the playground can import ${names}.`,
    );
  };
}

/** An import that cannot be had. */
export class ImportError extends Error {
  override readonly name: string = 'ImportError';
}

/** The names that code made of `import` asks for beside those of the module. */
const ASKED_BY_IMPORTS = new Set<string | symbol>(['__esModule', 'default', 'then']);

/** A module that refuses names that it has not, as `import` does. */
function strict(name: string, module: object): object {
  return new Proxy(module, {
    get(target, key) {
      if (key === '__esModule') return true;
      if (typeof key === 'symbol' || key in target) return Reflect.get(target, key);
      if (ASKED_BY_IMPORTS.has(key)) return undefined;
      const near = nearest(key, Object.keys(target));
      throw new ImportError(
        `'${name}' has no export named ${key}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      );
    },
  });
}
