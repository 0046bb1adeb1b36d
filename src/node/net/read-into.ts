import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';

/** The number of bytes that the runtime itself reads at once. */
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
  /** The native handle of a socket. */
  readonly _handle?: ReadHandle | null;
  [part: symbol]: unknown;
}

/** Called on the socket, as `this`, with received bytes, which it may keep. It must not throw. */
export type Take = (this: Socket, bytes: Uint8Array) => void;

/** One buffer for all sockets of the thread: bytes are copied out of it before the next read. */
let shared: Uint8Array | null = null;
/** `undefined` until the first socket was examined; `null` when sockets have other internals here. */
let parts: Parts | null | undefined;

/**
 * Makes a socket read into an existing buffer, as `net.connect({ onread })` does. By default the runtime allocates a buffer of
 * 64 KiB for each read, and passes it through a stream, which is half of the cost of receiving a small message. There is no
 * such option for the sockets of a server, nor for existing sockets, so their internals are found by name.
 *
 * Bytes that the socket has read before still come with its `data` event. If this function cannot do its work, which is not an error, all
 * bytes do.
 * This cannot be undone, but TLS on top of the socket takes over the handle, and reads in its own way.
 *
 * @param take best the same function for all sockets: then nothing is allocated for each of them
 * @returns whether all bytes that the socket will read from now on come to `take`
 */
export function readInto(socket: Socket, take: Take): boolean {
  const inside = socket as object as Inside;
  // An encrypted socket has a handle of another kind.
  if (Object.getPrototypeOf(socket) !== Socket.prototype || typeof inside._handle?.useUserBuffer !== 'function')
    return false;
  if (parts === undefined) parts = partsOf(socket);
  if (parts === null || inside[parts.buffer] !== null) return false;
  shared ??= new Uint8Array(SIZE);
  inside._handle.useUserBuffer(shared);
  inside[parts.buffer] = shared;
  inside[parts.generator] = nextBuffer;
  inside[parts.callback] = callbackFor(take);
  return true;
}

/**
 * The buffer into which the socket whose callback was called last is to read next; `undefined`: the same one again. The socket asks for it
 * right after that call.
 */
let next: Uint8Array | undefined;

function nextBuffer(): Uint8Array | undefined {
  return next;
}

type Callback = (this: Socket, count: number, buffer: Uint8Array) => void;

/** The functions that sockets call, by what they give the bytes to. */
const callbacks = new WeakMap<Take, Callback>();

function callbackFor(take: Take): Callback {
  const known = callbacks.get(take);
  if (known !== undefined) return known;
  const callback: Callback = function (count, buffer) {
    const following = bufferAfter(count, buffer);
    take.call(this, taken(count, buffer));
    next = following;
  };
  callbacks.set(take, callback);
  return callback;
}

/** The Node versions whose sockets have been examined; add later ones when the tests have run on them. */
const KNOWN = { from: 22, to: 26 };

/** Other runtimes have other internals; on Windows a buffer may be in use while its socket waits. */
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

/** After a full read more bytes are likely, and a buffer that can be passed on saves copying them. */
function bufferAfter(count: number, buffer: Uint8Array): Uint8Array | undefined {
  if (count === SIZE) return new Uint8Array(Buffer.allocUnsafeSlow(SIZE).buffer);
  return buffer === shared ? undefined : (shared as Uint8Array);
}

/** The bytes that were read: the buffer itself when it is not shared and most of it is used, otherwise a copy. */
function taken(count: number, buffer: Uint8Array): Uint8Array {
  if (buffer !== shared && count > SIZE / 2) return count === SIZE ? buffer : buffer.subarray(0, count);
  // Small pieces come from the runtime's pool of memory, as its own small buffers do.
  const { buffer: memory, byteOffset } = Buffer.allocUnsafe(count);
  const bytes = new Uint8Array(memory, byteOffset, count);
  bytes.set(count === SIZE ? buffer : buffer.subarray(0, count));
  return bytes;
}
