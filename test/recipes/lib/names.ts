/** The recipes that are checked against the real thing, in the order in which they are tried. Each is a file of `checks/`. */
export const RECIPES: readonly string[] = [
  'pg',
  'postgres-js',
  'drizzle',
  'mysql2',
  'ioredis',
  'mongodb',
  'fetch',
  'pino',
  'sse',
  'websockets',
  'grpc',
  'programs',
];
