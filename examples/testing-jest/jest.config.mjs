import { fileURLToPath } from 'node:url';

/**
 * Jest takes files for CommonJS and cannot read TypeScript. asyncio-ts is made of ES modules, so Jest runs with Node's flag
 * `--experimental-vm-modules`; the transformer removes the types. With ts-jest or @swc/jest the flag is the same.
 */
export default {
  testMatch: ['<rootDir>/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': fileURLToPath(new URL('./strip-types.mjs', import.meta.url)) },
};
