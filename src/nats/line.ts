import type { EventLoop } from '../kernel/lowlevel.ts';
import type { NatsBus } from './bus.ts';

/** For how long after a reconnection others may not be back yet, in seconds: "nobody" is not believed so long. */
const TIME_TO_RETURN = 5;

/**
 * A connection, and whether it is there now. Messages that are published while it is not are dropped by NATS's client without an error, so
 * whatever sends has to ask first.
 */
export class Line {
  readonly bus: NatsBus;
  readonly #loop: EventLoop;
  readonly #isOwn: boolean;
  readonly #status: ReturnType<NatsBus['status']>;
  #isUp = true;
  #returned = Number.NEGATIVE_INFINITY;

  /** @param isOwn whether it was opened for this line, and ends with it */
  constructor(loop: EventLoop, bus: NatsBus, isOwn: boolean) {
    this.#loop = loop;
    this.bus = bus;
    this.#isOwn = isOwn;
    this.#status = bus.status();
    this.#watch();
  }

  /** @throws {Error} when it is not connected */
  check(): void {
    if (this.bus.isClosed()) throw new Error('the connection to NATS is closed');
    if (!this.#isUp) throw new Error('NATS is not connected');
  }

  get isUp(): boolean {
    return this.#isUp && !this.bus.isClosed();
  }

  /** Whether it was lost a short time ago, so that workers may not be back yet. */
  get isFresh(): boolean {
    return this.#loop.time() - this.#returned < TIME_TO_RETURN;
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#status) {
      if (type === 'disconnect') this.#isUp = false;
      if (type !== 'reconnect') continue;
      this.#isUp = true;
      this.#returned = this.#loop.time();
    }
  }

  /** Ends the connection, after what was published has left. */
  async close(): Promise<void> {
    this.#status.stop?.();
    if (this.bus.isClosed()) return;
    if (this.isUp) await this.bus.flush().catch(() => {}); // lost in this moment: there is nothing to wait for
    if (this.#isOwn) await this.bus.close();
  }
}
