import type { Socket } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';

/** How a connection that is silent is looked after. */
export interface KeepAliveOption {
  /**
   * Asks the system to find out whether a silent peer is still there: after so many seconds of silence, or after the system's own time
   * (two hours, mostly) with `true`. One that is gone fails the connection with `ETIMEDOUT`.
   */
  readonly keepAlive?: boolean | Duration | undefined;
}

/**
 * The silence in milliseconds, 0 for the system's own time, `null` when nobody is to be asked.
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

/** Does what `keepAliveOf` says. */
export function keepSocketAlive(socket: Socket, milliseconds: number | null): void {
  if (milliseconds !== null) socket.setKeepAlive(true, milliseconds);
}
