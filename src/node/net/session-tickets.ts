import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isEncrypted } from './extra-info.ts';

/** How long tickets are waited for that may never come, in milliseconds. */
const LONGEST = 1_000;

/**
 * What a server of TLS 1.3 sends a new client right after the handshake: its session tickets. A client that has sent everything and goes
 * before they arrive makes the system reset the connection, and drop what the server has not read yet. So a client that has heard nothing
 * yet listens for a moment before it is gone.
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
    // Whatever comes first comes behind them.
    socket.once('session', this.#onTickets).once('data', this.#onTickets).once('end', this.#onTickets);
  }

  /** What watches for those of a client's socket, `null` when none come after its handshake. */
  static of(socket: Socket, isClient: boolean): SessionTickets | null {
    return isClient && isEncrypted(socket) && socket.getProtocol() === 'TLSv1.3' ? new SessionTickets(socket) : null;
  }

  readonly #onTickets = (): void => {
    this.#areThere = true;
    this.#socket.off('session', this.#onTickets).off('data', this.#onTickets).off('end', this.#onTickets);
    this.stop()?.();
  };

  /** Calls a function when they have come, or have been waited for long enough. */
  wait(go: () => void): void {
    if (this.#areThere) {
      go();
      return;
    }
    this.#go = go;
    this.#timer = setTimeout(this.#onTickets, LONGEST);
  }

  /** Ends the wait. Gives the function that is not called any more. */
  stop(): (() => void) | null {
    const go = this.#go;
    this.#go = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return go;
  }
}
