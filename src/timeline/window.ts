/** The part of time that is seen. Times are in microseconds, widths in pixels of the page. */
export class TimeWindow {
  from = 0;
  to = 1;
  /** What there is to see. */
  #first = 0;
  #last = 1;

  get span(): number {
    return this.to - this.from;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** Whether all is seen. */
  get isWhole(): boolean {
    return this.from <= this.#first && this.to >= this.#last;
  }

  /** Says what there is to see. */
  setBounds(first: number, last: number): void {
    this.#first = first;
    this.#last = Math.max(last, first + LEAST_SPAN);
  }

  /** Shows everything. */
  fit(): void {
    const margin = (this.#last - this.#first) * 0.01;
    this.from = this.#first - margin;
    this.to = this.#last + margin;
  }

  /** Shows a span with some room around it. */
  show(from: number, to: number): void {
    const margin = Math.max((to - from) * 0.2, LEAST_SPAN / 4);
    this.#set(from - margin, to + margin);
  }

  /** Moves as little as possible so that a moment is seen. */
  reveal(time: number): void {
    if (time >= this.from && time <= this.to) return;
    this.pan(time - (this.from + this.to) / 2);
  }

  /** Moves by a part of time. */
  pan(by: number): void {
    this.#set(this.from + by, this.to + by);
  }

  /** Makes the span smaller (below 1) or larger, while a moment stays where it is. */
  zoom(factor: number, around: number): void {
    const widest = (this.#last - this.#first) * 1.02 + LEAST_SPAN;
    const span = Math.min(Math.max(this.span * factor, LEAST_SPAN), widest);
    const part = (around - this.from) / this.span;
    this.#set(around - part * span, around + (1 - part) * span);
  }

  /** Some of what there is stays in sight. */
  #set(from: number, to: number): void {
    const span = to - from;
    const low = Math.min(this.#first - span * 0.05, this.#last - span * 1.05);
    const high = Math.max(this.#last + span * 0.05 - span, this.#first - span * 0.05);
    this.from = Math.min(Math.max(from, low), high);
    this.to = this.from + span;
  }
}

/** Nothing of interest is shorter: clocks of runtimes do not tell less apart. */
const LEAST_SPAN = 0.1;
