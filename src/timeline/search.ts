import type { SliceRef, TimelineModel, Track } from './model.ts';
import { slicesOf } from './model.ts';

/** So many places are found at the most. */
const MOST_FOUND = 10_000;

/** What is looked for: tasks and slices whose names contain a text, whatever its case. */
export class Search {
  readonly #text: string;
  /** Names are few and events are many. */
  readonly #known = new Map<string, boolean>();

  constructor(text: string) {
    this.#text = text.toLowerCase();
  }

  /** Whether a slice is meant: by its own name or by that of its task. */
  readonly isMatch = (name: string, track: Track): boolean => this.#contains(track.name) || this.#contains(name);

  /** The slices that are meant, in the order of time. Of a task that is found by its name: its first slice. */
  find(model: TimelineModel): SliceRef[] {
    const found: { readonly slice: SliceRef; readonly begin: number }[] = [];
    for (const track of model.tracks) {
      const ofTrack = this.#contains(track.name);
      for (const kind of ['step', 'wait'] as const) {
        const slices = slicesOf(track, kind);
        for (let index = 0; index < slices.length && found.length < MOST_FOUND; index++) {
          if (!this.#contains(slices.events[index]!.name) && !(ofTrack && index === 0 && kind === 'step')) continue;
          found.push({ slice: { track, kind, index }, begin: slices.begins[index]! });
        }
      }
    }
    return found.sort((a, b) => a.begin - b.begin).map(({ slice }) => slice);
  }

  #contains(name: string): boolean {
    let answer = this.#known.get(name);
    if (answer === undefined) {
      answer = name.toLowerCase().includes(this.#text);
      this.#known.set(name, answer);
    }
    return answer;
  }
}
