import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { ContextVar, sleep } from 'asyncio-ts';
import { reportProgress } from 'asyncio-ts/distributed';
import { type Stormy, stormyOf } from './stormy.ts';

/** Travels with jobs. */
export const requestId = new ContextVar<string>('requestId');

export function add(a: number, b: number): number {
  return a + b;
}

export function echo(value: unknown): unknown {
  return value;
}

export function fail(message: string, code: string): never {
  throw Object.assign(new RangeError(message, { cause: new TypeError('the reason') }), { code });
}

export function bad(): unknown {
  return () => 1;
}

export function large(size: number): string {
  return 'x'.repeat(size);
}

/** Writes a line for each effect, so that a test sees what ran, in whatever process. */
export function effect(file: string, line: string): void {
  appendFileSync(file, `${line}\n`);
}

/** Waits, with a line at the start, one at the end, and one when it has cleaned up. */
export async function slow(file: string, name: string, seconds: number, cleanUp = 0.05): Promise<string> {
  effect(file, `start ${name}`);
  try {
    await sleep(seconds);
    effect(file, `end ${name}`);
    return name;
  } finally {
    await sleep(cleanUp);
    effect(file, `clean ${name}`);
  }
}

/** Does not end when it is asked to. */
export async function stubborn(file: string, seconds: number): Promise<void> {
  effect(file, 'start');
  for (let left = seconds; left > 0; ) {
    try {
      await sleep(left);
      return;
    } catch {
      left -= 0.2;
    }
  }
}

export async function count(to: number, pause: number): Promise<number> {
  for (let n = 1; n <= to; n++) {
    reportProgress({ n, of: to });
    await sleep(pause);
  }
  return to;
}

export function who(): string {
  return requestId.get('nobody');
}

/** Blocks the loop of its worker. */
export function block(file: string, name: string, seconds: number): void {
  effect(file, `start ${name}`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1_000);
}

export const stormy: Stormy = stormyOf(String(process.pid));
