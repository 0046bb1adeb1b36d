import { DeadlockError, LeakError } from 'asyncio-ts/testing';

/** What the failure of a kernel has to say about who waits for whom. */

/** A deadlock in which these tasks wait for each other, each for the next one. */
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

/** A deadlock or a leak in which each of these tasks waits for what is said of it; and for nobody else in a circle. */
export function blocked(tasks: Readonly<Record<string, string>>): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof DeadlockError || error instanceof LeakError)) {
      throw new Error(`expected a DeadlockError or a LeakError, got ${error}`);
    }
    const lines = error.message.split('\n');
    for (const [name, what] of Object.entries(tasks)) {
      const isTold = lines.some((line) => isAbout(line, name) && line.includes(what));
      if (!isTold) throw new Error(`expected that ${name} waits for ${what}, got ${error.message}`);
    }
  };
}

function isAbout(line: string, name: string): boolean {
  return new RegExp(`(?<!by |→ )\\b${name}\\b.* waits for `).test(line);
}

/** Any two of these wait for each other. */
export function twoOf(...names: readonly string[]): (error: unknown) => void {
  const pairs = names.flatMap((one) => names.filter((other) => other !== one).map((other) => [one, other] as const));
  return (error) => {
    const failures = pairs.map(([one, other]) => {
      try {
        cycle(one, other)(error);
        return null;
      } catch (failure) {
        return failure;
      }
    });
    if (!failures.includes(null)) throw failures[0];
  };
}
