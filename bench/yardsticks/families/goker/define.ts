import type { Kernel } from '../../kernel.ts';
import type { Go } from './go.ts';

interface Definition {
  readonly name: string;
  /** What is wrong, and what has mended it. */
  readonly bug: string;
  /** In how many of a hundred runs the original has shown itself to those who collected it; `null` where they do not say so. */
  readonly shows: number | null;
  readonly program: (isFixed: boolean) => () => Go<unknown>;
  readonly expects: (error: unknown) => void;
}

/** Within so many schedules a kernel has to be found, whatever the seed. */
const WITHIN = 50;

/** Both forms of a program, which differ where it asks `isFixed`. */
export function kernel({ name, bug, shows, program, expects }: Definition): Kernel {
  return {
    name,
    bug,
    broken: program(false),
    fixed: program(true),
    published: { figure: shows === null ? '–' : `${shows} of 100 runs`, within: WITHIN },
    level: 'any',
    expects,
  };
}
