// A client of PostgreSQL.

export { Connection, type Result, type Row } from './connection.ts';
export { Pool } from './pool.ts';
export { PostgresError } from './postgres-error.ts';
export type { Address } from './startup.ts';
export type { Value } from './values.ts';
