// Writes dist/bundle: the same code as dist in a few files, which a runtime loads in a quarter of the time. Bundlers take the
// modules of dist instead, to leave out what a program does not use (package.json: the condition `node`).
import { build } from 'esbuild';
import { inRoot } from './lib/project.ts';

await build({
  absWorkingDir: inRoot(),
  entryPoints: ['dist/index.js', 'dist/testing/index.js'],
  outdir: 'dist/bundle',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'esnext',
  platform: 'neutral',
  keepNames: true, // messages and `toString()` name classes
  sourcemap: true,
  logLevel: 'warning',
});
