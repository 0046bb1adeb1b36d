import type { Happening, Lane, Timeline } from './recorder.ts';

/** Tasks that begin or end within this time are told of in one line. */
const TOGETHER_MS = 20;

/** Tasks of one program that began, or ended, nearly at once. */
interface Untold {
  readonly timeline: Timeline;
  readonly kind: string;
  readonly time: number;
  readonly lanes: Lane[];
}

/** Tells what runs when in lines of text: for a file, a pipe, or a terminal that is too small for the picture. */
export class PlainLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  /** What has not been told yet: by timeline and kind, in order of happening. */
  #untold = new Map<string, Untold>();
  #timer: NodeJS.Timeout | null = null;

  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  readonly hear = (happening: Happening): void => {
    const { timeline, kind } = happening;
    if (kind === 'prints') {
      this.flush();
      for (const line of happening.text.split('\n')) this.#tell(this.#now(), timeline, `prints: ${line}`);
      return;
    }
    const key = `${kind} ${timeline.title}`;
    const known = this.#untold.get(key);
    if (known === undefined) this.#untold.set(key, { timeline, kind, time: this.#now(), lanes: [happening.lane] });
    else known.lanes.push(happening.lane);
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER_MS);
  };

  /** Tells what has not been told yet. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const untold = this.#untold;
    this.#untold = new Map();
    for (const { time, timeline, kind, lanes } of untold.values()) {
      this.#tell(time, timeline, `${kind}: ${namesOf(lanes)}`);
    }
  }

  #tell(time: number, timeline: Timeline, text: string): void {
    this.#write(`${time.toFixed(2)} s  ${timeline.title.padEnd(24)}${text}`);
  }
}

function namesOf(lanes: readonly Lane[]): string {
  const names = lanes.map(({ label }) => label);
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 2).join(', ')}, … ${names.at(-1)} (${names.length})`;
}
