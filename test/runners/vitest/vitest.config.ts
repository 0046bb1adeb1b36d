import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('../../../src/', import.meta.url));

/** For the tests that run Vitest: `asyncio-ts` means the sources. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^asyncio-ts$/, replacement: `${src}index.ts` },
      { find: /^asyncio-ts\/([\w-]+)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  test: { include: ['*.test.ts'], pool: 'forks', allowOnly: true },
});
