import { createTimeline, type Timeline, type TraceEvent } from 'asyncio-ts/timeline';

/** The seam between the playground and the viewer of `asyncio-ts/timeline`, which cannot change its colours with the page. */
export class TaskTimeline {
  readonly #element: HTMLElement;
  readonly #events: TraceEvent[] = [];
  #timeline: Timeline;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#timeline = this.#create();
    new MutationObserver(() => {
      this.#timeline.destroy();
      this.#timeline = this.#create();
      this.#timeline.append(this.#events);
    }).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  }

  append(events: readonly TraceEvent[]): void {
    this.#events.push(...events);
    this.#timeline.append(events);
    this.#count();
  }

  clear(): void {
    this.#events.length = 0;
    this.#timeline.clear();
    this.#count();
  }

  /** How many tasks there are, for who looks at the page without seeing it. */
  #count(): void {
    const tasks = new Set(this.#events.filter(({ tid }) => tid > 0).map(({ pid, tid }) => `${pid}.${tid}`));
    this.#element.setAttribute('aria-label', `Tasks on a line of time: ${tasks.size}`);
  }

  #create(): Timeline {
    return createTimeline(this.#element, {
      theme: document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark',
      label: 'Tasks on a line of time',
      emptyText: 'Run the program to see its tasks',
    });
  }
}
