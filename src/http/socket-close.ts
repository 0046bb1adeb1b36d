/** The part of a socket that this library uses. */
export interface SocketLike {
  once(event: 'close', listener: () => void): unknown;
}

const watched: WeakMap<SocketLike, Set<() => void>> = /* @__PURE__ */ new WeakMap();

/**
 * Calls back when a socket closes. A socket gets one listener, whatever the number of its requests: a client may pipeline many.
 *
 * @returns stops that
 */
export function onSocketClose(socket: SocketLike, callback: () => void): () => void {
  let callbacks = watched.get(socket);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    callbacks = all;
    watched.set(socket, all);
    socket.once('close', () => {
      for (const call of [...all]) call();
    });
  }
  const its = callbacks;
  its.add(callback);
  return () => {
    its.delete(callback);
  };
}
