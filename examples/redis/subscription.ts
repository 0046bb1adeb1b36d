import { createTask, Event, Queue, QueueShutDown, type Task } from 'asyncio-ts';
import { type Backoff, patiently } from './backoff.ts';
import { type Address, Connection } from './connection.ts';
import type { Reply } from './resp.ts';

/** A message of a channel. */
export interface Message {
  readonly channel: string;
  readonly text: string;
}

/** How many messages are kept for a slow reader before the library stops reading from the connection. */
const KEPT = 100;

/**
 * Messages of channels, on a connection of its own. When that is lost, it connects and subscribes again; what is published
 * meanwhile is lost, because Redis does not keep messages.
 *
 * @example
 * await using messages = await redis.subscribe('news');
 * for await (const { text } of messages) console.log(text);
 */
export class Subscription implements AsyncDisposable {
  readonly #channels: readonly string[];
  readonly #options: Address & { readonly backoff?: Backoff };
  readonly #messages = new Queue<Message>(KEPT);
  readonly #subscribed = new Event();
  readonly #listening: Task<void>;
  #confirmed = 0;

  private constructor(channels: readonly string[], options: Address & { readonly backoff?: Backoff }) {
    this.#channels = channels;
    this.#options = options;
    this.#listening = createTask(() => this.#listen(), { name: `subscription to ${channels.join()}` });
  }

  static async begin(
    channels: readonly string[],
    options: Address & { readonly backoff?: Backoff },
  ): Promise<Subscription> {
    const subscription = new Subscription(channels, options);
    try {
      await subscription.subscribed();
      return subscription;
    } catch (error) {
      await subscription[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits until Redis has confirmed the subscriptions; after a lost connection, those of the new one. */
  async subscribed(): Promise<void> {
    await this.#subscribed.wait();
    if (this.#listening.done()) await this.#listening;
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const { backoff = {} } = this.#options;
        await using connection = await patiently(() => Connection.open(this.#options, this.#onPush), backoff);
        this.#confirmed = 0;
        await connection.tell('SUBSCRIBE', ...this.#channels);
        await connection.lost();
        this.#subscribed.clear();
      }
    } finally {
      this.#messages.shutdown();
      this.#subscribed.set();
    }
  }

  /** While the queue is full nothing is read from the connection. */
  readonly #onPush = async ([kind, channel, text]: readonly Reply[]): Promise<void> => {
    if (kind === 'message') await this.#messages.put({ channel: String(channel), text: String(text) });
    else if (kind === 'subscribe' && ++this.#confirmed === this.#channels.length) this.#subscribed.set();
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      try {
        yield await this.#messages.get();
      } catch (error) {
        if (!(error instanceof QueueShutDown)) throw error;
        await this.#listening; // says why there is nothing any more
        return;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.cancel();
    try {
      await this.#listening;
    } catch {
      // It was cancelled, or it has failed with an error that its reader has received.
    }
  }
}
