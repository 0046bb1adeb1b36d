/**
 * For `node --import`: makes `asyncio-ts` mean the sources, as it does in the unit tests, so that a test can run a program in a
 * process of its own without a build.
 */

import { registerHooks } from 'node:module';

const src = new URL('../../src/', import.meta.url);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const [name, entry = ''] = specifier.split('/');
    if (name !== 'asyncio-ts') return nextResolve(specifier, context);
    return { url: new URL(entry === '' ? 'index.ts' : `${entry}/index.ts`, src).href, shortCircuit: true };
  },
});
