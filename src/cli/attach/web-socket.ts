import net from 'node:net';
import { type Address, textOf } from './address.ts';

/**
 * The client side of a WebSocket, for text messages to an inspector on this machine. The runtime's own one takes 40 ms to load, which is most of
 * what a command may take.
 */
export class WebSocketClient {
  readonly #socket: net.Socket;
  #received: Buffer = Buffer.alloc(0);
  /** The parts of a message that has come in several frames. */
  #parts: Buffer[] = [];
  onmessage: (text: string) => void = () => {};
  onclose: () => void = () => {};

  private constructor(socket: net.Socket, received: Buffer) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.onclose());
    if (received.length > 0) queueMicrotask(() => this.#take(received));
  }

  /** Connects to `ws://host:port/path`. @param signal gives it up */
  static async connect(address: Address, path: string, signal: AbortSignal): Promise<WebSocketClient> {
    const { socket, head, rest } = await request(address, path, signal, {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.from(anyBytes(16)).toString('base64'),
    });
    if (/^HTTP\/1\.1 101 /.test(head)) return new WebSocketClient(socket, rest);
    socket.destroy();
    throw new Error(`the inspector at ${textOf(address)} has answered ${head.split('\r\n')[0]}`);
  }

  send(text: string): void {
    this.#sendFrame(0x81, Buffer.from(text));
  }

  /** Closes the connection at once. */
  close(): void {
    this.#socket.destroy();
  }

  #sendFrame(first: number, payload: Buffer): void {
    const { length } = payload;
    const header = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
    header[0] = first;
    header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
    if (length >= 65_536) header.writeBigUInt64BE(BigInt(length), 2);
    else if (length >= 126) header.writeUInt16BE(length, 2);
    const mask = anyBytes(4);
    header.set(mask, header.length - 4);
    const masked = Buffer.from(payload);
    for (let i = 0; i < length; i++) masked[i]! ^= mask[i & 3]!;
    this.#socket.write(Buffer.concat([header, masked]));
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) this.#handle(frame);
  }

  #nextFrame(): { readonly opcode: number; readonly isLast: boolean; readonly payload: Buffer } | null {
    const data = this.#received;
    if (data.length < 2) return null;
    const short = data[1]! & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (data.length < start) return null;
    const length = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
    if (data.length < start + length) return null;
    this.#received = data.subarray(start + length);
    return { opcode: data[0]! & 0x0f, isLast: (data[0]! & 0x80) !== 0, payload: data.subarray(start, start + length) };
  }

  #handle({ opcode, isLast, payload }: { opcode: number; isLast: boolean; payload: Buffer }): void {
    if (opcode === 8) this.#socket.destroy();
    else if (opcode === 9) this.#sendFrame(0x8a, payload);
    else if (opcode === 0 || opcode === 1) {
      this.#parts.push(payload);
      if (!isLast) return;
      const text = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.onmessage(text);
    }
  }
}

/** Nothing is secret here: the protocol wants bytes that differ. Loading `node:crypto` would take longer than all the rest. */
function anyBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(Math.random() * 256));
}

/** What a server of this machine answers to a GET, as text. @param signal gives it up */
export async function get(address: Address, path: string, signal: AbortSignal): Promise<string> {
  const { socket, head, rest } = await request(address, path, signal, {});
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const chunks = [rest];
  let received = rest.length;
  const body = new Promise<void>((resolve, reject) => {
    const take = (): void => {
      if (received >= length) resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
      take();
    });
    socket.on('error', reject).on('close', () => reject(new Error('the connection has ended')));
    take();
  });
  const giveUp = (): unknown => socket.destroy();
  signal.addEventListener('abort', giveUp);
  await body.finally(() => {
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  });
  return Buffer.concat(chunks).toString('utf8', 0, length);
}

/** Sends a request and reads the head of the answer. Gives up on a signal: a port may belong to a program that says nothing. */
function request(
  { host, port }: Address,
  path: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly socket: net.Socket; readonly head: string; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, host);
    socket.setNoDelay();
    const giveUp = (): void => {
      socket.destroy(new Error(`${textOf({ host, port })} does not answer`));
    };
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    let received: Buffer = Buffer.alloc(0);
    const take = (data: Buffer): void => {
      received = Buffer.concat([received, data]);
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) {
        // No inspector has a head as long as that: another kind of server may send without end.
        if (received.length > LONGEST_HEAD) giveUp();
        return;
      }
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners();
      resolve({ socket, head: received.toString('latin1', 0, end), rest: received.subarray(end + 4) });
    };
    socket.on('connect', () => {
      const lines = Object.entries({ Host: textOf({ host, port }), ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
    socket.on('data', take);
    socket.on('error', reject);
    socket.on('close', () => {
      signal.removeEventListener('abort', giveUp);
      reject(new Error('the connection has ended'));
    });
  });
}

const LONGEST_HEAD = 65_536;
