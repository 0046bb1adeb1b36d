import type { Socket } from 'node:net';
import { isEncrypted } from './extra-info.ts';

/** How long a peer may be silent, and how long it may take altogether, before its end is not waited for any more; in milliseconds. */
const SILENCE = 5_000;
const LONGEST = 30_000;

/**
 * Ends a socket whose side is written to its end. The system sends what it still has, unless something arrives that nobody reads: then it
 * resets the connection and drops the rest. So what arrives is read and thrown away until the peer has ended its side, too. A peer that
 * keeps its side open and is silent has nothing in flight, and is not waited for.
 *
 * Whatever happens to it meanwhile concerns nobody any more. It does not keep the process alive, but for TLS: its servers send a new client
 * something of their own, which it must not end before, or the same would happen.
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
