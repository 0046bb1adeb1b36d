/** Run by the tests of the entry for Jest. Jest cannot read TypeScript by itself, and takes files for CommonJS unless it is told otherwise. */
export default {
  testMatch: ['<rootDir>/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/strip-types.mjs' },
  moduleNameMapper: {
    '^asyncio-ts$': '<rootDir>/../../../src/index.ts',
    '^asyncio-ts/([\\w-]+)$': '<rootDir>/../../../src/$1/index.ts',
  },
};
