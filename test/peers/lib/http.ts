// An HTTP/1.1 server in a screen, for curl: keep-alive, bodies with a length or in chunks, `Expect: 100-continue`.
import { createHash, randomBytes } from 'node:crypto';
import { IncompleteReadError, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { MEGABYTE, text } from './talk.ts';

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** What a server has seen, for the checks. */
export interface Served {
  connections: number;
  requests: number;
  /** The digest of what `/bytes/N` has last sent. */
  sent: string;
  /** How many bytes a writer has kept at most. */
  kept: number;
}

/** Serves `/hello`, `/bytes/N` (so many random bytes) and `/digest` (of the body that is sent). */
export function httpHandler(served: Served) {
  return async function http(reader: StreamReader, writer: StreamWriter): Promise<void> {
    await using _ = writer;
    served.connections++;
    for (let request = await readHead(reader); request !== null; request = await readHead(reader)) {
      served.requests++;
      if (request.headers.get('expect') === '100-continue') writer.write('HTTP/1.1 100 Continue\r\n\r\n');
      const body = await readBody(reader, request.headers);
      const [, bytes] = /^\/bytes\/(\d+)$/.exec(request.target) ?? [];
      if (bytes !== undefined) await sendBytes(writer, Number(bytes), served);
      else if (request.target === '/digest') send(writer, 200, body);
      else if (request.target === '/hello') send(writer, 200, `hello, ${request.method}\n`);
      else send(writer, 404, 'there is no such page\n');
      await writer.drain();
      if (request.headers.get('connection') === 'close') return;
    }
  };
}

/** The first lines of a request, `null` at the end of the connection. */
async function readHead(reader: StreamReader): Promise<Request | null> {
  let head: string;
  try {
    head = text(await reader.readuntil('\r\n\r\n'));
  } catch (error) {
    if (error instanceof IncompleteReadError && error.partial.length === 0) return null;
    throw error;
  }
  const [first, ...lines] = head.trimEnd().split('\r\n');
  const [method = '', target = ''] = first!.split(' ');
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    return [name.toLowerCase(), value] as const;
  });
  return { method, target, headers: new Map(headers) };
}

/** The digest of a body. */
async function readBody(reader: StreamReader, headers: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash('sha256');
  if (headers.get('transfer-encoding') === 'chunked') {
    for (;;) {
      const size = Number.parseInt(text(await reader.readline()), 16);
      const chunk = await reader.readexactly(size + 2);
      if (size === 0) break;
      hash.update(chunk.subarray(0, size));
    }
  } else {
    for (let left = Number(headers.get('content-length') ?? 0); left > 0; ) {
      const data = await reader.read(Math.min(left, 65_536));
      if (data.length === 0) throw new Error(`${left} bytes of the body are missing`);
      hash.update(data);
      left -= data.length;
    }
  }
  return hash.digest('hex');
}

function send(writer: StreamWriter, status: number, body: string): void {
  writer.write(`HTTP/1.1 ${status} -\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

async function sendBytes(writer: StreamWriter, size: number, served: Served): Promise<void> {
  writer.write(`HTTP/1.1 200 -\r\nContent-Length: ${size}\r\n\r\n`);
  const hash = createHash('sha256');
  for (let left = size; left > 0; left -= MEGABYTE) {
    const chunk = randomBytes(Math.min(left, MEGABYTE));
    hash.update(chunk);
    writer.write(chunk);
    served.kept = Math.max(served.kept, writer.transport.getWriteBufferSize());
    await writer.drain();
  }
  served.sent = hash.digest('hex');
}
