import { fileURLToPath } from 'node:url';
import type { UserConfig } from 'vite';

const page = fileURLToPath(new URL('./', import.meta.url));

// No plugin: Vite compiles TSX by itself, as src/tsconfig.json says.
export default {
  root: page,
  build: { target: 'es2024' },
  logLevel: 'warn',
} satisfies UserConfig;
