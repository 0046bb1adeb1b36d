import { button, element } from './elements.ts';
import type { SliceRef, TimelineModel, Track } from './model.ts';
import { Search } from './search.ts';

/** What a search box needs of its timeline. */
export interface SearchOwner {
  model(): TimelineModel;
  /** A match is to be shown. */
  found(slice: SliceRef): void;
  /** Other names match than before. */
  changed(): void;
  /** The user has left the box. */
  left(): void;
}

/** The field in which one searches, its buttons, and which match is shown. */
export class SearchBox {
  readonly #owner: SearchOwner;
  readonly #input = document.createElement('input');
  readonly #told = element('span', 'found');
  #search: Search | null = null;
  #matches: SliceRef[] = [];
  /** -1 before the first is shown. */
  #at = -1;

  constructor(owner: SearchOwner) {
    this.#owner = owner;
    const input = this.#input;
    input.type = 'search';
    input.placeholder = 'search tasks and waits';
    input.setAttribute('aria-label', 'search tasks and waits');
    input.addEventListener('input', () => this.#look());
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.next(event.shiftKey ? -1 : 1);
      if (event.key !== 'Escape') return;
      this.clear();
      owner.left();
    });
    this.#told.setAttribute('role', 'status');
  }

  /** What belongs into the bar. */
  get elements(): readonly HTMLElement[] {
    const previous = button('‹', 'previous match', () => this.next(-1));
    return [this.#input, previous, button('›', 'next match', () => this.next(1)), this.#told];
  }

  /** Whether a slice is looked for; `null` when nothing is. */
  get isMatch(): ((name: string, track: Track) => boolean) | null {
    return this.#search?.isMatch ?? null;
  }

  focus(): void {
    this.#input.focus();
  }

  clear(): void {
    if (this.#input.value === '') return;
    this.#input.value = '';
    this.#look();
  }

  /** The events have changed. */
  refresh(): void {
    if (this.#search === null) return;
    this.#matches = this.#search.find(this.#owner.model());
    this.#at = Math.min(this.#at, this.#matches.length - 1);
    this.#tell();
  }

  /** Shows the next match, or the previous one. */
  next(by: 1 | -1): void {
    const count = this.#matches.length;
    if (count === 0) return;
    this.#at = this.#at < 0 ? (by > 0 ? 0 : count - 1) : (this.#at + by + count) % count;
    this.#owner.found(this.#matches[this.#at]!);
    this.#tell();
  }

  #look(): void {
    const text = this.#input.value.trim();
    this.#search = text === '' ? null : new Search(text);
    this.#matches = this.#search?.find(this.#owner.model()) ?? [];
    this.#at = -1;
    this.next(1);
    this.#tell();
    this.#owner.changed();
  }

  #tell(): void {
    const count = this.#matches.length;
    const position = this.#at < 0 ? '' : `${this.#at + 1} of `;
    this.#told.textContent = this.#search === null ? '' : count === 0 ? 'nothing found' : `${position}${count}`;
  }
}
