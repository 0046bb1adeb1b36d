import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isEncrypted } from './extra-info.ts';

/** How long to wait for tickets, which may never come, in milliseconds. */
const LONGEST = 1_000;

/**
 * Waits for the session tickets that a TLS 1.3 server sends right after the handshake. A client that has sent everything and closes
 * before they arrive makes the system reset the connection, and drop bytes that the server has not read yet. So a client that has received
 * nothing yet waits for a moment before it closes.
 *
 * Follows CPython's TLS transports, which wait for the peer's end.
 */
export class SessionTickets {
  readonly #socket: Socket;
  #areThere = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #go: (() => void) | null = null;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    // The first bytes that arrive come after the tickets.
    socket.once('session', this.#onTickets).once('data', this.#onTickets).once('end', this.#onTickets);
  }

  /** A watch for the tickets of a client's socket; `null` when none come after its handshake. */
  static of(socket: Socket, isClient: boolean): SessionTickets | null {
    return isClient && isEncrypted(socket) && socket.getProtocol() === 'TLSv1.3' ? new SessionTickets(socket) : null;
  }

  readonly #onTickets = (): void => {
    this.#areThere = true;
    this.#socket.off('session', this.#onTickets).off('data', this.#onTickets).off('end', this.#onTickets);
    this.stop()?.();
  };

  /** Calls a function when they have arrived, or the wait was long enough. */
  wait(go: () => void): void {
    if (this.#areThere) {
      go();
      return;
    }
    this.#go = go;
    this.#timer = setTimeout(this.#onTickets, LONGEST);
  }

  /** Ends the wait. Returns the function that will not be called any more. */
  stop(): (() => void) | null {
    const go = this.#go;
    this.#go = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return go;
  }
}
