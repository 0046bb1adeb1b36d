import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('./src/', import.meta.url));

// Unit tests run on the sources. Nothing here may make a run differ from the one before: fixed order, no retry, and
// test/setup.ts fixes the seed of fast-check.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^asyncio-ts$/, replacement: `${src}index.ts` },
      { find: /^asyncio-ts\/(node|testing|inspect)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  test: {
    include: ['test/unit/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    globals: false,
    pool: 'forks', // --expose-gc is a flag of the process, which a worker thread cannot have
    execArgv: ['--expose-gc'],
    sequence: { shuffle: false, concurrent: false },
    retry: 0,
    testTimeout: 5_000,
    passWithNoTests: false,
  },
});
