import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as macrotask } from 'node:timers/promises';
import { sleep } from 'asyncio-ts';
import { AsyncFile } from 'asyncio-ts/node';
import { expect, onTestFinished } from 'vitest';
import { codecOf } from '../../../../src/node/files/codec.ts';
import { parseMode } from '../../../../src/node/files/open-mode.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** A folder of the test's own. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'asyncio-files-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The path of a new file with this content. */
export function fileOf(content: string | Uint8Array): string {
  const file = path.join(folder(), 'file');
  writeFileSync(file, content);
  return file;
}

/** A path where there is no file yet. */
export function noFile(): string {
  return path.join(folder(), 'none');
}

/** The bytes of a text, as the library gives bytes. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of bytes, which must be plain ones. */
export function text(data: unknown): string {
  expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  return new TextDecoder().decode(data as Uint8Array);
}

/** Waits until so many calls were made on a handle. */
export function* called(s: Spelling, handle: FakeHandle, count: number): Generator<unknown, void, unknown> {
  while (handle.log.length < count) yield* s.wait(sleep(0));
}

/** Waits until the runtime has ended all calls on files that are under way, no matter what waits for them. */
export async function callsAreOver(): Promise<void> {
  // Twice: the end of one call may be the beginning of another.
  for (let quiet = 0; quiet < 2; quiet++) {
    while (process.getActiveResourcesInfo().some((name) => name === 'FSReqPromise' || name === 'CloseReq')) {
      quiet = 0;
      await macrotask();
    }
    await macrotask();
  }
}

/** Waits until no call is under way, and nothing in a folder is open: for ever, when something stays open. */
export async function allIsClosedIn(place: string): Promise<void> {
  do await callsAreOver();
  while (openIn(place) > 0);
}

/** How many descriptors of this process lead into a folder. */
export function openIn(place: string): number {
  let count = 0;
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${number}`).startsWith(place)) count++;
    } catch {
      // the one that the folder was read with
    }
  }
  return count;
}

interface Call {
  readonly name: string;
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

/** An open file in memory, whose calls end when the test says so. */
export class FakeHandle {
  readonly fd = 99;
  content: Uint8Array;
  /** The calls under way. */
  readonly calls: Call[] = [];
  /** What was called, in order. */
  readonly log: string[] = [];
  /** How many bytes a call reads or writes at most. */
  most = Number.POSITIVE_INFINITY;

  constructor(content = '') {
    this.content = bytes(content);
  }

  #call<T>(name: string, work: () => T): Promise<T> {
    this.log.push(name);
    return new Promise((resolve, reject) => {
      this.calls.push({ name, go: () => resolve(work()), fail: reject });
    });
  }

  read(buffer: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return this.#call('read', () => {
      const part = this.content.subarray(position, position + Math.min(length, this.most));
      buffer.set(part, at);
      return { bytesRead: part.length };
    });
  }

  write(buffer: Uint8Array, at: number, length: number, position: number): Promise<{ bytesWritten: number }> {
    return this.#call('write', () => {
      const part = buffer.slice(at, at + Math.min(length, this.most));
      const longer = new Uint8Array(Math.max(this.content.length, position + part.length));
      longer.set(this.content);
      longer.set(part, position);
      this.content = longer;
      return { bytesWritten: part.length };
    });
  }

  truncate(size: number): Promise<void> {
    return this.#call('truncate', () => {
      this.content = this.content.slice(0, size);
    });
  }

  sync(): Promise<void> {
    return this.#call('sync', () => {});
  }

  stat(): Promise<{ size: number }> {
    return this.#call('stat', () => ({ size: this.content.length }));
  }

  close(): Promise<void> {
    return this.#call('close', () => {});
  }

  /** Ends the call under way. */
  go(): void {
    this.calls.shift()!.go();
  }

  /** Lets the call under way fail. */
  fail(code = 'EIO'): void {
    const call = this.calls.shift()!;
    call.fail(Object.assign(new Error(`${code}: it failed, ${call.name}`), { code, errno: -5, syscall: call.name }));
  }

  /** A file of the library over it. */
  file(): AsyncFile {
    const parts = { name: 'fake', openMode: parseMode('test', 'r+'), codec: codecOf('test', {}), isSequential: false };
    return new AsyncFile(this as object as FileHandle, parts);
  }
}
