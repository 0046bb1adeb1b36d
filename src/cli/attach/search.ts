import { type Address, textOf } from './address.ts';
import { Inspector } from './inspector.ts';

/** An inspector that was found. */
export interface Found {
  readonly inspector: Inspector;
  readonly at: Address;
}

/**
 * Looks for the inspector of a process among servers of this machine. They are asked side by side, because a server that is no inspector may
 * say nothing at all: however many there are, none delays the others.
 */
export class Search {
  /** The number by which the process knows itself. */
  readonly #pid: number;
  readonly #giveUp = new AbortController();
  readonly #asking = new Set<string>();
  #found: Found | null = null;
  #changed: () => void = () => {};
  /** Whether anything was there that has gone again: an inspector that was just closed, for example. */
  hasLost = false;

  constructor(pid: number) {
    this.#pid = pid;
  }

  get found(): Found | null {
    return this.#found;
  }

  /** Whether no server has yet to answer. */
  get isIdle(): boolean {
    return this.#asking.size === 0;
  }

  /** Whether a server has yet to answer. */
  isAsking(address: Address): boolean {
    return this.#asking.has(textOf(address));
  }

  /**
   * Asks servers, but for those that have yet to answer.
   *
   * @param isGuess whether nothing may be there
   */
  ask(addresses: Iterable<Address>, isGuess = false): void {
    for (const address of addresses) if (!this.isAsking(address)) void this.#ask(address, isGuess);
  }

  /** Waits until the inspector is found or all have answered, at most for some milliseconds. */
  async settled(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.#found === null && !this.isIdle && performance.now() < end) await this.next(end - performance.now());
  }

  /** Waits until one has answered, at most for some milliseconds. */
  async next(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends all connections but the one to the inspector that was found. */
  end(): void {
    this.#giveUp.abort();
  }

  async #ask(at: Address, isGuess: boolean): Promise<void> {
    const { signal } = this.#giveUp;
    this.#asking.add(textOf(at));
    try {
      const inspector = await Inspector.connect(at, signal);
      if (inspector !== null && !(await this.#take(inspector, at))) inspector.close();
    } catch (error) {
      // It has ended, or it is a server of the program itself.
      if (!isGuess || (error as { code?: string }).code !== 'ECONNREFUSED') this.hasLost = true;
    }
    this.#asking.delete(textOf(at));
    this.#changed();
  }

  async #take(inspector: Inspector, at: Address): Promise<boolean> {
    const { signal } = this.#giveUp;
    const close = (): void => inspector.close();
    signal.addEventListener('abort', close);
    try {
      if (signal.aborted) return false;
      // Several processes may be seen through one port, one after the other.
      const { value } = await inspector.evaluate('process.pid');
      if (value !== this.#pid || this.#found !== null || signal.aborted) return false;
      this.#found = { inspector, at };
      return true;
    } finally {
      signal.removeEventListener('abort', close);
    }
  }
}
