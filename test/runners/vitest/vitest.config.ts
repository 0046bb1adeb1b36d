import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Run by the tests of the entry for Vitest. */
export default defineConfig({
  root: import.meta.dirname,
  resolve: {
    alias: [
      { find: /^asyncio-ts$/, replacement: `${src}index.ts` },
      { find: /^asyncio-ts\/([\w-]+)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  test: { include: ['*.test.ts'], pool: 'forks' },
});
