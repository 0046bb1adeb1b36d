import type { Happening, Lane, Timeline } from './recorder.ts';

/** Tasks that begin or end within this time are reported in one line. */
const TOGETHER_MS = 20;

/** Tasks of one program that began, or ended, nearly at once. */
interface Untold {
  readonly timeline: Timeline;
  readonly kind: string;
  readonly time: number;
  readonly lanes: Lane[];
}

/** Writes lines of text about which task runs when: for a file, a pipe, or a terminal that is too small for the picture. */
export class PlainLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  /** What has not been reported yet: by timeline and kind, in the order of the events. */
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

  /** Reports what has not been reported yet. */
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
