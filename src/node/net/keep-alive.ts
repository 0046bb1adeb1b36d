import type { Socket } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';

/** How silent connections are checked. */
export interface KeepAliveOption {
  /**
   * Asks the system to check whether a silent peer is still there: after this number of seconds, or with `true` after the system's own time
   * (usually two hours). If the peer is gone, the connection fails with `ETIMEDOUT`.
   */
  readonly keepAlive?: boolean | Duration | undefined;
}

/**
 * The silence in milliseconds, 0 for the system's own time, `null` when silent connections are not checked.
 *
 * @throws {ValueError} when it is not above zero
 */
export function keepAliveOf(name: string, { keepAlive }: KeepAliveOption): number | null {
  if (keepAlive === undefined || keepAlive === false) return null;
  if (keepAlive === true) return 0;
  const seconds = inSeconds(keepAlive, 'keepAlive');
  if (!(seconds > 0)) throw new ValueError(`${name}: keepAlive must be above zero seconds, got ${seconds}`);
  return seconds * 1_000;
}

/** Applies the setting from `keepAliveOf`. */
export function keepSocketAlive(socket: Socket, milliseconds: number | null): void {
  if (milliseconds !== null) socket.setKeepAlive(true, milliseconds);
}
