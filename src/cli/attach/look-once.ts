import type { LookCommand } from '../look-arguments.ts';
import { type Look, Target } from './target.ts';

/** Where a command writes to. */
export interface Output {
  tell(text: string): void;
  /** How wide the terminal is; `null` where it is none. */
  readonly columns: number | null;
}

/** Looks at a process once. */
export async function lookOnce({ pid, locals, limit }: LookCommand): Promise<Look> {
  const target = await Target.attach(pid);
  try {
    return await target.look({ locals, limit });
  } finally {
    await target.detach();
  }
}
