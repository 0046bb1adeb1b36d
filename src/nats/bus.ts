/** What this engine uses of a connection to NATS: that of `@nats-io/transport-node`, or any other of NATS's clients of version 3. */
export interface NatsBus {
  /** What the server has said about itself; `max_payload` is the largest message in bytes. */
  readonly info?: { readonly max_payload: number };
  publish(subject: string, payload?: Uint8Array | string, options?: { readonly reply?: string }): void;
  subscribe(subject: string, options: NatsSubscribing): { unsubscribe(): void };
  flush(): Promise<void>;
  close(): Promise<void>;
  isClosed(): boolean;
  /** The changes of the connection, as they come, until `stop` is called. */
  status(): AsyncIterable<{ readonly type: string }> & { stop?(): void };
}

/** How a subscription is made. */
export interface NatsSubscribing {
  /** Of the subscriptions with the same word, one gets a message. */
  readonly queue?: string;
  readonly callback: (error: Error | null, message: NatsMessage) => void;
}

/** A message of NATS. */
export interface NatsMessage {
  readonly subject: string;
  /** Where an answer is to go; absent or empty when none is expected. */
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number };
  string(): string;
}

/** The server's answer in place of one of a worker: nobody has subscribed. */
export function isNobody({ data, headers }: NatsMessage): boolean {
  return data.length === 0 && headers?.code === 503;
}
