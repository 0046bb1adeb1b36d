import { type EventEmitter, setMaxListeners } from 'node:events';

/** An event target that knows how many listen to it. */
export class CountedTarget extends EventTarget {
  listeners = 0;
  readonly options: unknown[] = [];

  constructor() {
    super();
    setMaxListeners(0, this); // no warning of many
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++;
    this.options.push(args[2]);
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

/** How many listen to something. */
export function listeners(source: EventEmitter | CountedTarget): number {
  if (source instanceof CountedTarget) return source.listeners;
  return source.eventNames().reduce((sum, name) => sum + source.listenerCount(name), 0);
}

/** An async iterator of numbers by hand, which notes what is done with it. */
export class Numbers implements AsyncIterable<number> {
  readonly calls: string[] = [];
  readonly #count: number;
  next = 0;

  constructor(count = Number.POSITIVE_INFINITY) {
    this.#count = count;
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    return {
      next: async () => {
        this.calls.push('next');
        if (this.next >= this.#count) return { done: true, value: undefined };
        return { done: false, value: this.next++ };
      },
      return: async () => {
        this.calls.push('return');
        return { done: true, value: undefined };
      },
    };
  }
}
