import { published } from '../runtime/tools.ts';

/**
 * One copy of this library in the thread. A program gets two of them when two versions are installed, or when one part
 * of it is bundled and another is not. Each copy has classes, loops and a running task of its own. A future can be
 * awaited as a promise everywhere, but a task of one copy cannot be run by a loop of the other.
 */
export interface Copy {
  /** Where its code was loaded from. */
  readonly place: string;
  /** Its loops that are alive. */
  loops(): object[];
  /** Whether the line that runs now is run by a loop of this copy. */
  isRunning(): boolean;
}

/** The description of this copy; `null` until its first loop is made. */
let own: Copy | null = null;

/** Stores the description of this copy, so that it can be distinguished from the others. */
export function introduce(copy: Copy): void {
  own = copy;
}

/** A text to append to a message, if another copy of the library has caused the error; otherwise empty. */
export function tellOfOtherCopy(isConcerned: (copy: Copy) => boolean): string {
  const { copies = [] } = (published('asyncio-ts') as { copies?: readonly Copy[] } | undefined) ?? {};
  const other = copies.find((copy) => copy !== own && isConcerned(copy));
  if (other === undefined) return '';
  return (
    `. Two copies of asyncio-ts are loaded: this one from ${placeOfCode()}, and the one of the other loop from ${other.place}. ` +
    '`npm ls asyncio-ts` shows who brings them, `npm dedupe` makes them one; a bundle must contain it once, or leave it external'
  );
}

/**
 * A text to append to a message about a loop that is not the expected one, if it belongs to another copy; otherwise
 * empty.
 */
export function tellOfLoop(loop: object): string {
  return tellOfOtherCopy((copy) => copy.loops().includes(loop));
}

/**
 * The place of this file. It is read from a stack, because `import.meta` does not exist in every format that a bundler
 * writes.
 */
export function placeOfCode(): string {
  return /((?:[\w-]+:\/\/|\/|[A-Z]:\\)[^\s()]*:\d+):\d+\)?$/m.exec(new Error().stack ?? '')?.[1] ?? 'an unknown place';
}
