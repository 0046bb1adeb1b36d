import { existsSync, readFileSync } from 'node:fs';
import { type Line, read } from './stormy.ts';

/** What the jobs of a storm have done, by the file in which they have written. */
export class Effects {
  readonly #starts = new Map<string, number>();
  readonly #ends = new Map<string, number>();
  /** By name and place: those that have neither cleaned up nor ended. */
  readonly #running = new Map<string, Line[]>();
  /** The names of jobs whose clean-up after a cancellation was interrupted by another one. */
  readonly torn = new Set<string>();
  /** What their clients were told, by name. */
  readonly #over = new Map<string, string>();
  /** The names of jobs that were started after their end was told to their client, with what was told. */
  readonly startedAfterEnd = new Map<string, string>();

  constructor(file: string) {
    for (const line of existsSync(file) ? read(readFileSync(file, 'utf8')) : []) this.#add(line);
  }

  #add(line: Line): void {
    const { what, name, place } = line;
    const at = `${name} ${place}`;
    switch (what) {
      case 'start':
        count(this.#starts, name);
        this.#running.set(at, [...(this.#running.get(at) ?? []), line]);
        if (this.#over.has(name)) this.startedAfterEnd.set(name, this.#over.get(name)!);
        break;
      case 'end':
        count(this.#ends, name);
        break;
      case 'clean':
        this.#running.get(at)?.pop();
        break;
      case 'torn':
        this.torn.add(name);
        break;
      case 'over':
        this.#over.set(name, place);
        break;
    }
  }

  starts(name: string): number {
    return this.#starts.get(name) ?? 0;
  }

  /** How often it has done its work. */
  ends(name: string): number {
    return this.#ends.get(name) ?? 0;
  }

  /** The starts that have not cleaned up, except at these places. */
  running(except: ReadonlySet<string>): Line[] {
    return [...this.#running.values()].flat().filter(({ place }) => !except.has(place));
  }

  get total(): number {
    return [...this.#starts.values()].reduce((sum, starts) => sum + starts, 0);
  }

  get mostStarts(): number {
    return Math.max(0, ...this.#starts.values());
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
