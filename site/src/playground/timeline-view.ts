import type { TraceEvent } from './trace-events.ts';

/** Draws tasks on a line of time, from trace events that come while they run. */

interface Segment {
  readonly name: string;
  readonly begin: number;
  end: number | null;
}

interface Row {
  name: string;
  begin: number;
  end: number | null;
  outcome: 'done' | 'cancelled' | 'failed' | null;
  readonly waits: Segment[];
  readonly steps: number[];
}

const ROW = 26;
const TOP = 26;
const NAMES = 150;
const MOST_ROWS = 200;
const MARK = { done: '●', cancelled: '✕', failed: '!' } as const;

interface Colors {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly life: string;
  readonly wait: string;
  readonly step: string;
  readonly cancelled: string;
  readonly failed: string;
}

const LIGHT: Colors = {
  text: '#1b2230',
  muted: '#566070',
  line: '#d9dee6',
  life: '#1f5fa8',
  wait: '#b9d3f0',
  step: '#0d3d73',
  cancelled: '#9a6700',
  failed: '#c02626',
};
const DARK: Colors = {
  text: '#e5e9f0',
  muted: '#a3adbc',
  line: '#333b48',
  life: '#5d94f2',
  wait: '#2b4a70',
  step: '#b5d3f5',
  cancelled: '#f4c152',
  failed: '#ff7b72',
};

/** A timeline in an element of the page. */
export interface Timeline {
  append(events: Iterable<TraceEvent>): void;
  /** Says how far the clock has come, in microseconds. */
  moveTo(now: number): void;
  clear(): void;
  destroy(): void;
  /** What it shows, in a sentence. */
  readonly summary: string;
}

export function createTimeline(element: HTMLElement): Timeline {
  return new TimelineView(element);
}

class TimelineView implements Timeline {
  readonly #element: HTMLElement;
  readonly #canvas = document.createElement('canvas');
  readonly #rows = new Map<string, Row>();
  readonly #observers: { disconnect(): void }[];
  #now = 0;
  #drawing = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#canvas.setAttribute('role', 'img');
    element.replaceChildren(this.#canvas);
    const resized = new ResizeObserver(() => this.#drawSoon());
    resized.observe(element);
    const recoloured = new MutationObserver(() => this.#drawSoon());
    recoloured.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.#observers = [resized, recoloured];
    this.#drawSoon();
  }

  append(events: Iterable<TraceEvent>): void {
    for (const event of events) this.#add(event);
    this.#drawSoon();
  }

  moveTo(now: number): void {
    this.#now = Math.max(this.#now, now);
    this.#drawSoon();
  }

  clear(): void {
    this.#rows.clear();
    this.#now = 0;
    this.#drawSoon();
  }

  destroy(): void {
    for (const observer of this.#observers) observer.disconnect();
    cancelAnimationFrame(this.#drawing);
    this.#element.replaceChildren();
  }

  get summary(): string {
    const rows = [...this.#rows.values()];
    const counted = (outcome: Row['outcome'], word: string) => {
      const count = rows.filter((row) => row.outcome === outcome).length;
      return count === 0 ? [] : [`${count} ${word}`];
    };
    const parts = [
      ...counted('done', 'done'),
      ...counted('cancelled', 'cancelled'),
      ...counted('failed', 'failed'),
      ...counted(null, 'not done'),
    ];
    return rows.length === 0 ? 'No tasks yet' : `${rows.length} tasks in ${timeText(this.#now)}: ${parts.join(', ')}`;
  }

  #add(event: TraceEvent): void {
    const key = `${event.pid}.${event.tid}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { name: key, begin: event.ts, end: null, outcome: null, waits: [], steps: [] };
      this.#rows.set(key, row);
    }
    this.#now = Math.max(this.#now, event.ts);
    if (event.ph === 'M') row.name = event.args?.['name'] ?? key;
    else if (event.ph === 'X') row.steps.push(event.ts);
    else if (event.ph === 'B') row.waits.push({ name: event.name, begin: event.ts, end: null });
    else if (event.ph === 'E') {
      const last = row.waits.at(-1);
      if (last !== undefined) last.end = event.ts;
    } else {
      row.end = event.ts;
      row.outcome = event.name === 'cancelled' || event.name === 'failed' ? event.name : 'done';
    }
  }

  #drawSoon(): void {
    if (this.#drawing !== 0) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const width = this.#element.clientWidth;
    if (width === 0) return;
    const rows = [...this.#rows.values()].slice(0, MOST_ROWS);
    const height = TOP + Math.max(3, rows.length) * ROW + 8;
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.setAttribute('aria-label', this.summary);
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.scale(ratio, ratio);
    const colors = document.documentElement.dataset['theme'] === 'light' ? LIGHT : DARK;
    const names = Math.min(NAMES, width * 0.32);
    const span = Math.max(this.#now, 1);
    const x = (time: number) => names + 8 + (time / span) * (width - names - 36);
    context.font = '12px ui-sans-serif, system-ui, sans-serif';
    context.textBaseline = 'middle';
    this.#axis(context, colors, span, x, height);
    for (const [index, row] of rows.entries()) this.#row(context, colors, row, TOP + index * ROW, names, x);
  }

  #axis(
    context: CanvasRenderingContext2D,
    colors: Colors,
    span: number,
    x: (time: number) => number,
    height: number,
  ): void {
    const step = niceStep(span / Math.max(2, Math.floor((x(span) - x(0)) / 90)));
    context.textAlign = 'center';
    for (let time = 0; time <= span * 1.0001; time += step) {
      context.fillStyle = colors.line;
      context.fillRect(x(time), TOP - 6, 1, height - TOP);
      context.fillStyle = colors.muted;
      context.fillText(timeText(time), x(time), 10);
    }
    context.textAlign = 'left';
  }

  #row(
    context: CanvasRenderingContext2D,
    colors: Colors,
    row: Row,
    top: number,
    names: number,
    x: (time: number) => number,
  ): void {
    const middle = top + ROW / 2;
    const end = row.end ?? this.#now;
    context.fillStyle = colors.text;
    context.fillText(cut(context, row.name, names), 0, middle);
    context.fillStyle = colors.life;
    context.fillRect(x(row.begin), middle - 1.5, Math.max(2, x(end) - x(row.begin)), 3);
    for (const wait of row.waits) {
      const from = x(wait.begin);
      const long = x(wait.end ?? this.#now) - from;
      if (long < 0.5) continue;
      context.fillStyle = colors.wait;
      context.beginPath();
      context.roundRect(from, top + 4, long, ROW - 8, 3);
      context.fill();
      if (context.measureText(wait.name).width + 8 > long) continue;
      context.fillStyle = colors.text;
      context.fillText(wait.name, from + 5, middle + 0.5);
    }
    context.fillStyle = colors.step;
    for (const step of row.steps) context.fillRect(x(step) - 1, top + 3, 2, ROW - 6);
    if (row.outcome === null) return;
    context.fillStyle = row.outcome === 'done' ? colors.life : colors[row.outcome];
    context.font = 'bold 13px ui-sans-serif, system-ui, sans-serif';
    context.fillText(MARK[row.outcome], x(end) + 5, middle);
    context.font = '12px ui-sans-serif, system-ui, sans-serif';
  }
}

function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least;
}

/** A time in microseconds, with the digits that count. */
export function timeText(microseconds: number): string {
  if (microseconds === 0) return '0 s';
  if (microseconds >= 1e6) return `${Number((microseconds / 1e6).toPrecision(4))} s`;
  if (microseconds >= 1e3) return `${Number((microseconds / 1e3).toPrecision(3))} ms`;
  return `${Math.round(microseconds)} µs`;
}
