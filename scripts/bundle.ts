// Writes dist/bundle: the same code as dist in a few files, which a runtime loads in a quarter of the time. Bundlers take the
// modules of dist instead, to leave out what a program does not use (package.json: the condition `node`).
// By rolldown: it leaves classes their names, which messages show, without a call at run time for each.

import { readFileSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { inRoot } from './lib/project.ts';

const { dependencies = {} } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as {
  dependencies?: Record<string, string>;
};

const bundle = await rolldown({
  cwd: inRoot(),
  input: { index: 'dist/index.js', 'testing/index': 'dist/testing/index.js', 'node/index': 'dist/node/index.js' },
  // Not bundled: the runtime's modules and the package's dependencies.
  external: [/^node:/, ...Object.keys(dependencies)],
  platform: 'neutral',
});
await bundle.write({
  dir: inRoot('dist/bundle'),
  format: 'esm',
  sourcemap: true,
  comments: false,
  chunkFileNames: 'shared-[hash].js',
});
