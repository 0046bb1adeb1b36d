import type { EventLoop, TimerHandle } from '../kernel/lowlevel.ts';

/** How long a client may take to use a grant, in seconds. */
const TIME_TO_USE = 1;

/** Places that a client was granted and has not used. */
interface Grant {
  places: number;
  readonly end: TimerHandle;
}

/**
 * The places of a worker. NATS hands jobs to any worker of the group, free or not; one that is busy sends the job back, so that it waits with its
 * client and can still go to whoever is free first. Clients with jobs that wait are granted places in turn: each gets its share, however
 * many jobs another one has.
 */
export class Grants {
  readonly #loop: EventLoop;
  readonly #places: number;
  readonly #grant: (inbox: string, places: number) => void;
  /** The clients that wait for places, by inbox; the first one is served next. */
  readonly #demand = new Set<string>();
  readonly #granted = new Map<string, Grant>();
  /** Invariant: `#taken` and the places of `#granted` are together at most `#places`. */
  #taken = 0;
  #isClosed = false;

  /** @param grant tells a client that it may send so many jobs */
  constructor(loop: EventLoop, places: number, grant: (inbox: string, places: number) => void) {
    this.#loop = loop;
    this.#places = places;
    this.#grant = grant;
  }

  get free(): number {
    let granted = 0;
    for (const { places } of this.#granted.values()) granted += places;
    return this.#isClosed ? 0 : this.#places - this.#taken - granted;
  }

  /** Takes a place for a job of a client: one that was granted to it, otherwise a free one. When there is none the client has to wait. */
  take(inbox: string, isGranted: boolean): boolean {
    const grant = isGranted ? this.#granted.get(inbox) : undefined;
    const isThere = grant !== undefined || this.free > 0;
    if (grant !== undefined) this.#use(inbox, grant, 1);
    if (isThere && !this.#isClosed) this.#taken++;
    // One that was granted a place may have more jobs that wait; when it has not, it says so.
    if (!isThere || isGranted) this.#demand.add(inbox);
    if (isGranted) this.#handOut();
    return isThere && !this.#isClosed;
  }

  /** A job is over. */
  giveBack(): void {
    this.#taken--;
    this.#handOut();
  }

  /** A client has jobs that wait. */
  ask(inbox: string): void {
    this.#demand.add(inbox);
    this.#handOut();
  }

  /** A client has no more jobs that wait. */
  unused(inbox: string, places: number): void {
    this.#demand.delete(inbox);
    const grant = this.#granted.get(inbox);
    if (grant !== undefined) this.#use(inbox, grant, places);
    this.#handOut();
  }

  /** No more jobs are taken. */
  close(): void {
    this.#isClosed = true;
    for (const { end } of this.#granted.values()) end.cancel();
    this.#granted.clear();
    this.#demand.clear();
  }

  #use(inbox: string, grant: Grant, places: number): void {
    grant.places -= places;
    if (grant.places > 0) return;
    grant.end.cancel();
    this.#granted.delete(inbox);
  }

  #handOut(): void {
    for (const inbox of this.#demand) {
      const { free } = this;
      if (free <= 0) return;
      if (this.#granted.has(inbox)) continue; // it is about to send, or to say that it has nothing
      // It goes to the end of the line with its next job.
      const share = Math.ceil(free / this.#demand.size);
      this.#demand.delete(inbox);
      const end = this.#loop.callLater(TIME_TO_USE, () => {
        this.#granted.delete(inbox);
        this.#handOut();
      });
      this.#granted.set(inbox, { places: share, end });
      this.#grant(inbox, share);
    }
  }
}
