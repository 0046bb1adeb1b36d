import process from 'node:process';
import { AttachError } from '../attach/attach-error.ts';
import { Interruption, unlessAborted } from '../attach/interruption.ts';
import { type Look, Target } from '../attach/target.ts';
import { SUCCESS } from '../exit-codes.ts';
import type { LookCommand } from '../look-arguments.ts';
import { safeJson } from '../terminal/display.ts';
import { asData } from './as-data.ts';

/** Where a command writes to. */
export interface Output {
  tell(text: string): void;
  /** How wide the terminal is; `null` where it is none. */
  readonly columns: number | null;
}

/**
 * Looks at a process once, and prints what was seen: as data after `--json`, otherwise drawn. It is printed before the process is left,
 * which takes a moment that nobody needs to wait for.
 *
 * @param draw gives the lines to print
 * @returns the exit code
 * @throws {AttachError} when the process cannot be looked at, or the output cannot be written
 * @throws {Interrupted} when a signal ends it; the process has been left before
 */
export async function printLook(
  { pid, locals, limit, json }: LookCommand,
  { tell, columns }: Output,
  draw: (look: Look, columns: number | null) => readonly string[],
): Promise<number> {
  let failure: NodeJS.ErrnoException | null = null;
  // Thrown later, because the process that is looked at has to be left first.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads the output may have seen enough, as in `asyncio ps 4711 | head`.
    if (error.code !== 'EPIPE') failure ??= error;
  });
  const interruption = new Interruption();
  const { signal } = interruption;
  try {
    const target = await Target.attach(pid, signal);
    try {
      const look = await unlessAborted(target.look({ locals, limit }), signal);
      tell(`${json ? safeJson(asData(pid, look)) : draw(look, columns).join('\n')}\n`);
    } finally {
      await target.detach();
    }
  } finally {
    interruption.end();
  }
  throwIfFailed(failure);
  return SUCCESS;
}

function throwIfFailed(failure: NodeJS.ErrnoException | null): void {
  if (failure !== null) throw new AttachError(`the output cannot be written: ${failure.message}`, { cause: failure });
}
