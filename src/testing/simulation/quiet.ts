import { afterMicrotasks } from '../../kernel/lowlevel.ts';

/** Gives the runtime so many turns, in which promises settle that will by themselves. */
export async function quiet(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => afterMicrotasks(resolve));
}
