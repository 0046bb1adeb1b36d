import { type EventLoop, getRunningLoop } from 'asyncio-ts';
import type { NatsBus, NatsMessage, NatsSubscribing } from 'asyncio-ts/nats';

/** How a server of NATS in memory behaves; times in seconds. */
export interface FakeNatsOptions {
  /** How long a message travels: between these two. */
  readonly delay?: readonly [number, number];
  readonly seed?: number;
}

interface Subscription extends NatsSubscribing {
  readonly subject: string;
  readonly owner: Connection;
}

/**
 * A server of NATS on the clock of the loop, as far as NATS promises anything: each message reaches all subscriptions of its subject, and one of each
 * queue; those of one sender reach a receiver in order; a request that nobody hears is answered with 503; messages to and from a connection that is lost
 * are lost without a word.
 */
export class FakeNats {
  readonly #delay: readonly [number, number];
  #state: number;
  readonly #subscriptions = new Set<Subscription>();
  readonly #connections = new Set<Connection>();

  constructor({ delay = [0.0002, 0.0002], seed = 1 }: FakeNatsOptions = {}) {
    this.#delay = delay;
    this.#state = seed;
  }

  connect(): Connection {
    const connection = new Connection(this, getRunningLoop());
    this.#connections.add(connection);
    return connection;
  }

  /** The server is away for so long; each connection comes back at another moment after that. */
  stop(seconds: number): void {
    for (const connection of this.#connections) {
      if (!connection.isUp) continue;
      connection.disconnect();
      connection.loop.callLater(seconds + this.#random(), () => connection.reconnect());
    }
  }

  #random(): number {
    // The generator of Park and Miller.
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }

  travel(): number {
    const [least, most] = this.#delay;
    return least + (most - least) * this.#random();
  }

  subscribe(subscription: Subscription): { unsubscribe(): void } {
    this.#subscriptions.add(subscription);
    return { unsubscribe: () => this.#subscriptions.delete(subscription) };
  }

  route(from: Connection, message: Omit<FakeMessage, 'string'>): void {
    const heard = [...this.#subscriptions].filter(
      ({ subject, owner }) => owner.isUp && matches(subject, message.subject),
    );
    const groups = new Map<string, Subscription[]>();
    for (const one of heard) {
      if (one.queue === undefined) one.owner.deliver(from, one, message);
      else groups.set(one.queue, [...(groups.get(one.queue) ?? []), one]);
    }
    for (const group of groups.values()) {
      const chosen = group[Math.floor(this.#random() * group.length)]!;
      chosen.owner.deliver(from, chosen, message);
    }
    if (heard.length > 0 || message.reply === undefined) return;
    const nobody = { subject: message.reply, data: new Uint8Array(), headers: { code: 503 } };
    for (const one of this.#subscriptions) {
      if (one.owner === from && matches(one.subject, message.reply)) from.deliver(from, one, nobody);
    }
  }
}

interface FakeMessage extends NatsMessage {
  readonly data: Uint8Array;
}

function matches(pattern: string, subject: string): boolean {
  return pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}

/** A connection to a `FakeNats`. */
export class Connection implements NatsBus {
  readonly info = { max_payload: 1_048_576 };
  readonly loop: EventLoop;
  readonly #server: FakeNats;
  /** When the last message of each sender arrives. */
  readonly #arrivals = new Map<Connection, number>();
  readonly #news: { type: string }[] = [];
  #tell: (() => void) | null = null;
  #isClosed = false;
  #isDead = false;
  /** How many messages it has published, by the end of their subject. */
  readonly published = new Map<string, number>();
  readonly #pongs = new Set<{ resolve(): void; reject(error: Error): void }>();
  /** Whether the program is closing it: whatever is published is refused. */
  isDraining = false;
  /** How much longer its messages take than those of others, in seconds. */
  slowness = 0;
  isUp = true;

  constructor(server: FakeNats, loop: EventLoop) {
    this.#server = server;
    this.loop = loop;
  }

  publish(subject: string, payload: Uint8Array | string = '', { reply }: { readonly reply?: string } = {}): void {
    const kind = subject.slice(subject.lastIndexOf('.') + 1);
    this.published.set(kind, (this.published.get(kind) ?? 0) + 1);
    if (this.isDraining) throw new Error('connection draining');
    if (!this.isUp) return;
    const data = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (data.length > this.info.max_payload) throw new Error("'payload' max_payload size exceeded");
    this.#server.route(this, reply === undefined ? { subject, data } : { subject, data, reply });
  }

  subscribe(subject: string, options: NatsSubscribing): { unsubscribe(): void } {
    return this.#server.subscribe({ ...options, subject, owner: this });
  }

  deliver(from: Connection, { callback }: Subscription, message: Omit<FakeMessage, 'string'>): void {
    const { loop } = this;
    const at = Math.max(loop.time() + this.#server.travel() + from.slowness, this.#arrivals.get(from) ?? 0);
    this.#arrivals.set(from, at);
    loop.callAt(at, () => {
      if (this.isUp) callback(null, { ...message, string: () => Buffer.from(message.data).toString() });
    });
  }

  /** A round trip, of one turn of the loop. As with NATS's client: fails when the connection is lost, and stays open for ever when it is closed. */
  flush(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('closed connection'));
    return new Promise((resolve, reject) => {
      const pong = { resolve, reject };
      this.#pongs.add(pong);
      if (!this.isUp) return;
      this.loop.callSoon(() => {
        if (this.isUp && this.#pongs.delete(pong)) resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.kill();
    this.#isClosed = true;
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  /** As a process that dies: nothing comes or leaves any more. */
  kill(): void {
    this.isUp = false;
    this.#isDead = true;
  }

  disconnect(): void {
    this.isUp = false;
    this.#dropPongs();
    this.#report('disconnect');
  }

  #dropPongs(): void {
    for (const { reject } of this.#pongs) reject(new Error('connection disconnected'));
    this.#pongs.clear();
  }

  reconnect(): void {
    if (this.#isDead) return;
    this.#dropPongs();
    this.isUp = true;
    this.#report('reconnect');
  }

  #report(type: string): void {
    this.#news.push({ type });
    this.#tell?.();
  }

  async *status(): AsyncGenerator<{ readonly type: string }> {
    for (;;) {
      for (let news = this.#news.shift(); news !== undefined; news = this.#news.shift()) yield news;
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
  }
}
