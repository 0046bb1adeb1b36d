/** The recipes that are checked against real programs, in the order in which they are tried. Each is a file of `checks/`. */
export const RECIPES: readonly string[] = [
  'pg',
  'postgres-js',
  'mysql2',
  'ioredis',
  'drizzle',
  'fetch',
  'pino',
  'sse',
  'websockets',
];
