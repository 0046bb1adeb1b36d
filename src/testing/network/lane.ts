import type { Arrival } from '../simulation/arrivals.ts';

/** What a lane needs to know of its network. */
export interface Road {
  /** When something arrives that is sent now, in seconds of the simulated clock. */
  arrivalTime(from: string, to: string): number;
  /** Whether nothing comes from one host to the other at present. */
  isCut(from: string, to: string): boolean;
  /** Something is under way on the lane, or nothing is any more. */
  note(lane: Lane, isUsed: boolean): void;
  begin(arrival: Arrival): void;
  takeBack(arrival: Arrival): void;
}

interface Load {
  readonly label: string;
  readonly due: number;
  readonly deliver: () => void;
}

/**
 * One direction of a connection: what is sent arrives in the same order, each after its latency. While the hosts do not reach each other it
 * stays where it is, as a system sends again what was not acknowledged.
 */
export class Lane {
  readonly from: string;
  readonly to: string;
  readonly #road: Road;
  /** Invariant: `#arrival` is of the first one; it is `null` where there is none, or where it is held. */
  readonly #loads: Load[] = [];
  #arrival: Arrival | null = null;
  #lastDue = 0;

  constructor(road: Road, from: string, to: string) {
    this.#road = road;
    this.from = from;
    this.to = to;
  }

  /** @param delay what comes on top of the latency, in seconds */
  send(label: string, deliver: () => void, delay = 0): void {
    const due = Math.max(this.#lastDue, this.#road.arrivalTime(this.from, this.to) + delay);
    this.#lastDue = due;
    this.#loads.push({ label, due, deliver });
    if (this.#loads.length > 1) return;
    this.#road.note(this, true);
    this.#begin();
  }

  /** What has just arrived has a rest, which comes before everything else. */
  sendFirst(label: string, deliver: () => void): void {
    this.hold();
    this.#loads.unshift({ label, due: 0, deliver });
    this.#road.note(this, true);
    this.#begin();
  }

  /** Drops what is under way. */
  clear(): void {
    this.hold();
    this.#loads.length = 0;
    this.#lastDue = 0;
    this.#road.note(this, false);
  }

  /** What is under way does not arrive for now. */
  hold(): void {
    if (this.#arrival === null) return;
    this.#road.takeBack(this.#arrival);
    this.#arrival = null;
  }

  /** What is under way arrives again, if the hosts reach each other. */
  goOn(): void {
    if (this.#arrival === null) this.#begin();
  }

  #begin(): void {
    const [load] = this.#loads;
    if (load === undefined || this.#road.isCut(this.from, this.to)) return;
    const arrival: Arrival = {
      label: load.label,
      stream: this,
      notBefore: load.due,
      deliver: () => {
        if (this.#arrival !== arrival) return; // it was dropped, or held, in the same iteration
        this.#arrival = null;
        this.#loads.shift();
        if (this.#loads.length === 0) this.#road.note(this, false);
        load.deliver();
        this.goOn();
      },
    };
    this.#arrival = arrival;
    this.#road.begin(arrival);
  }
}
