import { currentSignal, sleep } from 'asyncio-ts';
import type { Spelling } from '../../../support/spellings.ts';

/** A function that searches for a second, and what has become of its calls. */
export function searching(s: Spelling) {
  const events: string[] = [];
  const find = s.fn(function* (text: string) {
    const signal = currentSignal();
    events.push(`${text} begins`);
    try {
      yield* s.wait(sleep(1));
      if (text === 'bad') throw new RangeError(text);
      return text.toUpperCase();
    } finally {
      events.push(`${text} ends${signal?.aborted === true ? ' aborted' : ''}`);
    }
  });
  return { events, find };
}
