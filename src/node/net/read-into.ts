import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';

/** As much as the runtime reads at once by itself. */
const SIZE = 65_536;

/** Where a socket keeps what `net.connect({ onread })` gives it. */
interface Parts {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

interface ReadHandle {
  useUserBuffer?(buffer: Uint8Array): void;
}

interface Inside {
  /** The runtime's half of a socket. */
  readonly _handle?: ReadHandle | null;
  [part: symbol]: unknown;
}

/** One for all sockets of the thread: what is read into it is copied before anything else is read. */
let shared: Uint8Array | null = null;
/** `undefined` until the first socket was looked into, `null` when sockets are made otherwise here. */
let parts: Parts | null | undefined;

/**
 * Has a socket read into a buffer that is there already, as `net.connect({ onread })` does. By itself the runtime makes one of
 * 64 KiB for whatever comes, and sends it through a stream, which is half of what it costs to receive a small message. There is no
 * such option for the sockets of a server, nor for one that exists, so its parts are looked up by their names.
 *
 * What the socket has read before still comes by its `data` event; so does everything where this cannot be done, which is not an error.
 * There is no way back, but TLS on top of the socket takes its handle, and reads in a way of its own.
 *
 * @param take called with what has come, as plain bytes of its own; it must not throw
 */
export function readInto(socket: Socket, take: (bytes: Uint8Array) => void): void {
  const inside = socket as object as Inside;
  // An encrypted socket has a handle of another kind.
  if (Object.getPrototypeOf(socket) !== Socket.prototype || typeof inside._handle?.useUserBuffer !== 'function') return;
  if (parts === undefined) parts = partsOf(socket);
  if (parts === null || inside[parts.buffer] !== null) return;
  shared ??= new Uint8Array(SIZE);
  let next: Uint8Array | undefined;
  inside._handle.useUserBuffer(shared);
  inside[parts.buffer] = shared;
  inside[parts.generator] = () => next;
  inside[parts.callback] = (count: number, buffer: Uint8Array) => {
    next = bufferAfter(count, buffer);
    take(taken(count, buffer));
  };
}

/** The Node versions whose sockets have been looked into; later ones are when the tests have run on them. */
const KNOWN = { from: 22, to: 26 };

/** Other runtimes have other sockets; on Windows a buffer may be in use while its socket waits. */
function partsOf(socket: Socket): Parts | null {
  if (process.platform === 'win32' || 'bun' in process.versions || 'deno' in process.versions) return null;
  const major = Number.parseInt(process.versions.node, 10);
  if (!(major >= KNOWN.from && major <= KNOWN.to)) return null;
  const symbols = Object.getOwnPropertySymbols(socket);
  const named = (name: string) => symbols.find(({ description }) => description === name);
  const [buffer, callback, generator] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')];
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  return { buffer, callback, generator };
}

/** After a full read much more is to be expected, for which a buffer that can be given away saves copying. */
function bufferAfter(count: number, buffer: Uint8Array): Uint8Array | undefined {
  if (count === SIZE) return new Uint8Array(Buffer.allocUnsafeSlow(SIZE).buffer);
  return buffer === shared ? undefined : (shared as Uint8Array);
}

/** What was read: the buffer itself when it is not shared and most of it is used, otherwise a copy. */
function taken(count: number, buffer: Uint8Array): Uint8Array {
  if (buffer !== shared && count > SIZE / 2) return count === SIZE ? buffer : buffer.subarray(0, count);
  // Small pieces share memory that the runtime has at hand, as its own buffers do.
  const { buffer: memory, byteOffset } = Buffer.allocUnsafe(count);
  const bytes = new Uint8Array(memory, byteOffset, count);
  bytes.set(count === SIZE ? buffer : buffer.subarray(0, count));
  return bytes;
}
