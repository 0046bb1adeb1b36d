/**
 * The recipes that are checked against the real thing, in the order in which they are tried: those that need a server late, when it has
 * started. Each is a file of `checks/`.
 */
export const RECIPES: readonly string[] = [
  'programs',
  'fetch',
  'pino',
  'sse',
  'websockets',
  'grpc',
  'mongodb',
  'ioredis',
  'pg',
  'postgres-js',
  'drizzle',
  'mysql2',
];
