// How values of SQL are represented in a program. All are sent as text; the server sends the types of a result's columns.

import { Buffer } from 'node:buffer';

export type Value = string | number | bigint | boolean | null | Date | Uint8Array | object;

/** A parameter as it is sent. */
export function toText(value: Value): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** By the number of the type. All other types are text, including numbers of any length and precision. */
const TYPES: Readonly<Record<number, (text: string) => Value>> = {
  16: (text) => text === 't', // boolean
  17: (text) => Buffer.from(text.slice(2), 'hex'), // bytea
  20: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)), // bigint
  21: Number, // smallint
  23: Number, // integer
  26: Number, // oid
  114: JSON.parse, // json
  700: Number, // real
  701: Number, // double precision
  1184: (text) => new Date(text), // timestamp with time zone
  3802: JSON.parse, // jsonb
};

export function fromText(text: string, type: number): Value {
  return TYPES[type]?.(text) ?? text;
}
