/** What the examples of `asyncio-ts/node` take as given, by the names that they use. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';

/** A server that sends back what it is sent; it keeps no process alive. */
const echo = createServer((socket) => {
  socket.unref();
  socket.pipe(socket);
});
await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
echo.unref();

const address = echo.address();
export const port = typeof address === 'object' && address !== null ? address.port : 0;

export async function handle(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await using _ = writer;
  for await (const line of reader) writer.write(line);
}

export async function cleanUp(): Promise<void> {
  await sleep(0);
}

export function use(_item: unknown): void {}

/** The path of a new file with two lines, which is gone when the process ends. */
function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-examples-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'file.txt');
  writeFileSync(file, 'one\ntwo\n');
  return file;
}

/** What each example needs a new one of: it belongs to a loop, or can be used once. */
export const fresh = {
  path: newFile,
};
