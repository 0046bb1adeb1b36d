import process from 'node:process';
import type { LookCommand } from '../look-arguments.ts';
import { type Look, Target } from './target.ts';

/** Where a command writes to. */
export interface Output {
  tell(text: string): void;
  /** How wide the terminal is; `null` where it is none. */
  readonly columns: number | null;
}

/** Looks at a process once, and shows what was seen before the process is left: what it takes to leave it nobody needs to wait for. */
export async function lookOnce({ pid, locals, limit }: LookCommand, show: (look: Look) => void): Promise<void> {
  process.stdout.on('error', ignoreClosedPipe);
  const target = await Target.attach(pid);
  try {
    show(await target.look({ locals, limit }));
  } finally {
    await target.detach();
  }
}

/** Whoever reads the output may have seen enough, as in `asyncio ps 4711 | head`: the process that is looked at is to be left all the same. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
