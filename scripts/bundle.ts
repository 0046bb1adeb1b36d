// Writes dist/bundle: the same code as dist in a few files, which a runtime loads in a quarter of the time. Bundlers take the
// modules of dist instead, to leave out what a program does not use (package.json: the condition `node`).
// By rolldown: it leaves classes their names, which messages show, without a call at run time for each.

import { readFileSync } from 'node:fs';
import { type Plugin, rolldown } from 'rolldown';
import { inRoot } from './lib/project.ts';

const { dependencies = {} } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as {
  dependencies?: Record<string, string>;
};

const bundle = await rolldown({
  cwd: inRoot(),
  input: {
    index: 'dist/index.js',
    'testing/index': 'dist/testing/index.js',
    'http/index': 'dist/http/index.js',
    'node/index': 'dist/node/index.js',
  },
  // Not bundled: the runtime's modules and the package's dependencies.
  external: [/^node:/, ...Object.keys(dependencies)],
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
