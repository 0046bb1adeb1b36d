import process from 'node:process';
import type { EventLoop } from '../kernel/lowlevel.ts';
import { isLoopClosed, logger } from '../kernel/lowlevel.ts';
import { messageOf } from '../node/border/index.ts';
import type { NatsBus, NatsMessage, NatsSubscribing } from './bus.ts';

/** For how long after a reconnection others may not be back yet, in seconds: "nobody" is not believed so long. */
const TIME_TO_RETURN = 5;
/** How long the last messages may take to leave, in seconds: over a network that swallows everything they never do. */
const TIME_TO_LEAVE = 5;
/** Between two attempts to reach the server, in seconds. */
const PAUSE = 0.1;

/** A message that leaves when the code that runs now is over. */
interface Outgoing {
  readonly subject: string;
  readonly text: string;
  readonly options: { readonly reply: string } | undefined;
  readonly unsent: (() => void) | null;
}

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
  #losses = 0;
  /** Invariant: while it is not empty, `#send` will be called. */
  #outgoing: Outgoing[] = [];

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

  /** How often it was lost: what was asked before a loss is not answered. */
  get losses(): number {
    return this.#losses;
  }

  /** On the loop's clock: when it was there again after the last loss. */
  get returned(): number {
    return this.#returned;
  }

  get isUp(): boolean {
    return this.#isUp && !this.bus.isClosed();
  }

  /** Whether it was lost a short time ago, so that workers may not be back yet. */
  get isFresh(): boolean {
    return this.#loop.time() - this.#returned < TIME_TO_RETURN;
  }

  async #watch(): Promise<void> {
    try {
      for await (const { type } of this.#status) {
        if (type === 'disconnect') {
          this.#isUp = false;
          this.#losses++;
        }
        if (type !== 'reconnect') continue;
        this.#isUp = true;
        this.#returned = this.#loop.time();
      }
    } catch (error) {
      // Nobody waits for this, so that an error would end the process.
      logger.warn(`the state of a connection to NATS is not known any more: ${messageOf(error)}`);
    }
  }

  /**
   * Hears what is published. An error of `receive` is told here: thrown into NATS's client, it would make the connection deaf.
   *
   * @throws {Error} when the connection is closed
   */
  subscribe(
    subject: string,
    receive: (message: NatsMessage) => void,
    options: Omit<NatsSubscribing, 'callback'> = {},
  ): { unsubscribe(): void } {
    const callback = (error: Error | null, message: NatsMessage): void => {
      if (error !== null || isLoopClosed(this.#loop)) return;
      try {
        receive(message);
      } catch (error) {
        this.#loop.callExceptionHandler({
          message: `a message of NATS on ${message.subject} could not be dealt with`,
          exception: error as Error,
        });
      }
    };
    return this.bus.subscribe(subject, { ...options, callback });
  }

  /** Publishes what somebody will ask for once more when it is lost. Never throws: it is called where nobody waits for the outcome. */
  tell(subject: string, text: string): void {
    if (this.isUp) this.#add({ subject, text, options: undefined, unsent: null });
  }

  /** Publishes what is answered to the subject `reply`. `unsent` is called when the connection has ended before the message could leave. */
  ask(subject: string, text: string, reply: string, unsent: () => void): void {
    this.#add({ subject, text, options: { reply }, unsent });
  }

  /**
   * NATS's client writes to its socket in the microtask after the first message. With many jobs, each answer lets one more task go on, and that
   * sends one more message: each would be a write of its own, which costs more than everything else about it. So messages leave together, when
   * all that was woken has run.
   */
  #add(message: Outgoing): void {
    if (this.#outgoing.push(message) === 1) process.nextTick(this.#send);
  }

  readonly #send = (): void => {
    const messages = this.#outgoing;
    if (messages.length === 0) return;
    this.#outgoing = [];
    const unsent: (() => void)[] = [];
    for (const message of messages) {
      try {
        if (!this.isUp) throw new Error('the connection to NATS was lost');
        this.bus.publish(message.subject, message.text, message.options);
      } catch {
        // The connection is lost, or the program is closing it: nobody has seen it.
        if (message.unsent !== null) unsent.push(message.unsent);
      }
    }
    // The last one first: each becomes the next one that is sent.
    for (const tell of unsent.reverse()) tell();
  };

  /**
   * Waits until the server has got everything so far. A connection that is lost in the meantime comes back, and is tried again.
   *
   * @param seconds how long it is tried
   * @param act what is to succeed after that, in the same time
   * @throws {Error} when the connection is closed, or the time is over
   */
  async reach(seconds: number, act: () => Promise<void> = async () => {}): Promise<void> {
    const end = this.#loop.time() + seconds;
    const attempt = async (): Promise<void> => {
      this.#send();
      await this.bus.flush();
      await act();
    };
    for (;;) {
      if (this.bus.isClosed()) throw new Error('the connection to NATS is closed');
      const left = end - this.#loop.time();
      if (left <= 0) throw new Error(`NATS could not be reached for ${seconds} s`);
      if (await this.#within(left, attempt)) return;
      await this.#within(PAUSE, () => new Promise(() => {}));
    }
  }

  /** Waits until what was published has left, unless the connection is lost, so that there is nothing to wait for. */
  async leave(): Promise<void> {
    this.#send();
    if (this.isUp) await this.#within(TIME_TO_LEAVE, () => this.bus.flush());
  }

  /** Ends the connection, after what was published has left. */
  async close(): Promise<void> {
    await this.leave();
    this.#status.stop?.();
    if (this.#isOwn && !this.bus.isClosed()) await this.#within(TIME_TO_LEAVE, () => this.bus.close());
  }

  /** Whether something has succeeded in so many seconds. Promises of NATS's client can stay open for ever when the connection is closed. */
  async #within(seconds: number, act: () => Promise<void>): Promise<boolean> {
    const over = this.#loop.createFuture<boolean>();
    const end = (isDone: boolean): void => {
      if (!over.done() && !isLoopClosed(this.#loop)) over.setResult(isDone);
    };
    const timer = this.#loop.callLater(seconds, () => end(false));
    act().then(
      () => end(true),
      () => end(false),
    );
    try {
      return await over;
    } finally {
      timer.cancel();
    }
  }
}
