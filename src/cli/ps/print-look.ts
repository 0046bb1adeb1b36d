import process from 'node:process';
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
 */
export async function printLook(
  { pid, locals, limit, json }: LookCommand,
  { tell, columns }: Output,
  draw: (look: Look, columns: number | null) => readonly string[],
): Promise<number> {
  process.stdout.on('error', ignoreClosedPipe);
  const target = await Target.attach(pid);
  try {
    const look = await target.look({ locals, limit });
    tell(`${json ? safeJson(asData(pid, look)) : draw(look, columns).join('\n')}\n`);
  } finally {
    await target.detach();
  }
  return SUCCESS;
}

/** Whoever reads the output may have seen enough, as in `asyncio ps 4711 | head`: the process that is looked at is to be left all the same. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
