import { DeadlockError, LeakError } from 'asyncio-ts/testing';
import type { Kernel } from '../../kernel.ts';
import type { Go } from './go.ts';

interface Definition {
  readonly name: string;
  /** What is wrong, and what has mended it. */
  readonly bug: string;
  /** In how many of a hundred runs the original has shown itself to those who collected it. */
  readonly shows: number;
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
    published: { figure: `${shows} % of runs`, within: WITHIN },
    level: 'any',
    expects,
  };
}

/** A deadlock in which these goroutines wait for each other, each for the next one. */
export function cycle(...names: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof DeadlockError)) throw new Error(`expected a DeadlockError, got ${error}`);
    const found = error.cycle;
    const from = found.indexOf(names[0]!);
    const turned = [...found.slice(from), ...found.slice(0, from)];
    if (turned.length === names.length && turned.every((name, i) => name === names[i])) return;
    throw new Error(`expected the cycle ${names.join(' → ')}, got ${found.join(' → ') || 'none'}\n${error.message}`);
  };
}

/** A deadlock or a leak in which each of these goroutines waits for what is said of it; and for nobody else in a circle. */
export function blocked(goroutines: Readonly<Record<string, string>>): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof DeadlockError || error instanceof LeakError)) {
      throw new Error(`expected a DeadlockError or a LeakError, got ${error}`);
    }
    const lines = error.message.split('\n');
    for (const [name, what] of Object.entries(goroutines)) {
      const isTold = lines.some((line) => isAbout(line, name) && line.includes(what));
      if (!isTold) throw new Error(`expected that ${name} waits for ${what}, got ${error.message}`);
    }
  };
}

function isAbout(line: string, name: string): boolean {
  return new RegExp(`(?<!by |→ )\\b${name}\\b.* waits for `).test(line);
}
