import { published } from '../runtime/platform.ts';

/**
 * One copy of this library in the thread. A program gets two of them when two versions are installed, or when one part of it is
 * bundled and another is not. Each copy has classes, loops and a running task of its own: as promises its futures work everywhere,
 * but a task of one copy cannot be driven by the loop of the other.
 */
export interface Copy {
  /** Where its code was loaded from. */
  readonly place: string;
  /** Its loops that are alive. */
  loops(): object[];
  /** Whether the line that runs now is run by a loop of this copy. */
  isRunning(): boolean;
}

/** What this copy has told the others about itself, from its first loop on. */
let own: Copy | null = null;

/** Notes what the other copies are told about this one. */
export function introduce(copy: Copy): void {
  own = copy;
}

/** The end of a message when the fault is that another copy is concerned; empty when it is not. */
export function tellOfOtherCopy(isConcerned: (copy: Copy) => boolean): string {
  const { copies = [] } = (published('asyncio-ts') as { copies?: readonly Copy[] } | undefined) ?? {};
  const other = copies.find((copy) => copy !== own && isConcerned(copy));
  if (other === undefined) return '';
  return (
    `. Two copies of asyncio-ts are loaded: this one from ${placeOfCode()}, and the one of the other loop from ${other.place}. ` +
    '`npm ls asyncio-ts` shows who brings them, `npm dedupe` makes them one; a bundle must contain it once, or leave it external'
  );
}

/** The end of a message about a loop that is not the expected one, when it is of another copy. */
export function tellOfLoop(loop: object): string {
  return tellOfOtherCopy((copy) => copy.loops().includes(loop));
}

/** The place of this file, read from a stack: `import.meta` does not exist in every format that a bundler writes. */
export function placeOfCode(): string {
  return /((?:[\w-]+:\/\/|\/|[A-Z]:\\)[^\s()]*:\d+):\d+\)?$/m.exec(new Error().stack ?? '')?.[1] ?? 'an unknown place';
}
