// Writes dist/bundle: the same code as dist in a few files, which a runtime loads in a quarter of the time. Bundlers take the
// modules of dist instead, to leave out what a program does not use (package.json: the condition `node`).
// By rolldown: it leaves classes their names, which messages show, without a call at run time for each.

import { readFileSync } from 'node:fs';
import { type Plugin, rolldown } from 'rolldown';
import { inRoot } from './lib/project.ts';

const {
  exports,
  dependencies = {},
  peerDependencies = {},
} = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as {
  exports: Record<string, string | { readonly node?: string }>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
};
/** What package.json hands out of dist/bundle, such as `http/index`. */
const entries = Object.values(exports).flatMap((target) => {
  const file = typeof target === 'string' ? undefined : target.node;
  return file === undefined ? [] : (/^\.\/dist\/bundle\/(.*)\.js$/.exec(file)?.[1] ?? []);
});

/** Becomes part of pages as it is, so it shares no file with the others. */
const ALONE = 'timeline/index';

await write(entries.filter((entry) => entry !== ALONE));
await write([ALONE]);

/** Bundles entries; what several of them need is in files that they share. */
async function write(together: readonly string[]): Promise<void> {
  const bundle = await rolldown({
    cwd: inRoot(),
    input: Object.fromEntries(together.map((entry) => [entry, `dist/${entry}.js`])),
    // Not bundled: the modules of runtimes, the package's dependencies, and test runners.
    external: [/^(node|bun):/, ...Object.keys(dependencies), ...Object.keys(peerDependencies)],
    platform: 'neutral',
    plugins: [mapsOfCompiler()],
  });
  await bundle.write({
    dir: inRoot('dist/bundle'),
    format: 'esm',
    sourcemap: true,
    comments: { legal: false, annotation: true, jsdoc: false },
    chunkFileNames: 'shared-[hash].js',
  });
}

/** Hands over the source maps of the compiler, so that those of the bundle lead to src and not to dist. */
function mapsOfCompiler(): Plugin {
  return {
    name: 'maps-of-the-compiler',
    load(id) {
      if (!id.endsWith('.js')) return null;
      const code = readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
      return { code, map: readFileSync(`${id}.map`, 'utf8') };
    },
  };
}
