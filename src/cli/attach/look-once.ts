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
  const target = await Target.attach(pid);
  try {
    show(await target.look({ locals, limit }));
  } finally {
    await target.detach();
  }
}
