import { fileURLToPath } from 'node:url';
import config from '../../../examples/testing-jest/jest.config.mjs';

const src = fileURLToPath(new URL('../../../src', import.meta.url));

/** For the tests that run Jest: `asyncio-ts` means the sources. */
export default {
  ...config,
  moduleNameMapper: { '^asyncio-ts$': `${src}/index.ts`, '^asyncio-ts/([\\w-]+)$': `${src}/$1/index.ts` },
};
