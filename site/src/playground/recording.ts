import { startTracing, type TraceEvent } from 'asyncio-ts/inspect';

/** More than this is not drawn: explored schedules run a program thousands of times. */
const MOST_EVENTS = 20_000;

/** The trace of a program, up to so many events. */
export class Recording {
  #events: TraceEvent[] = [];
  #count = 0;
  #dropped = 0;

  start(): void {
    startTracing({ onEvents: (events) => this.#add(events) });
  }

  /** What has been recorded since the last call, and how many events in all are left out. */
  take(): { readonly events: readonly TraceEvent[]; readonly dropped: number } {
    const events = this.#events;
    this.#events = [];
    return { events, dropped: this.#dropped };
  }

  #add(events: readonly TraceEvent[]): void {
    const taken = events.slice(0, Math.max(0, MOST_EVENTS - this.#count));
    this.#count += taken.length;
    this.#dropped += events.length - taken.length;
    this.#events.push(...taken);
  }
}
