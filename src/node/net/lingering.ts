import type { Socket } from 'node:net';
import { isEncrypted } from './extra-info.ts';

/** How long a peer may be silent, and how long it may take in total, before this stops waiting for its end; in milliseconds. */
const SILENCE = 5_000;
const LONGEST = 30_000;

/**
 * Ends a socket when everything is written. The system sends the bytes that it still has, unless bytes arrive that are not read: then it
 * resets the connection and drops the rest. So what arrives is read and thrown away until the peer has ended its side, too. A peer that
 * keeps its side open and is silent has sent nothing that is still on its way, so this does not wait for it.
 *
 * Errors of the socket are ignored from now on. It does not keep the process alive, except with TLS: a TLS server sends a new client
 * session tickets, and if the client ended before they arrive, the system would also reset the connection.
 */
export function linger(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.readableEnded) {
    socket.destroy();
    return;
  }
  let received = false;
  let waited = 0;
  const timer = setInterval(() => {
    waited += SILENCE;
    if (received && waited < LONGEST) received = false;
    else socket.destroy();
  }, SILENCE);
  timer.unref();
  socket
    .on('data', () => {
      received = true;
    })
    .on('end', () => socket.destroy())
    .on('close', () => clearInterval(timer));
  if (!isEncrypted(socket)) socket.unref();
  socket.resume();
}
