import type { Address } from './address.ts';
import { get, WebSocketClient } from './web-socket.ts';

/** A value as the inspector describes it. */
export interface RemoteObject {
  readonly type: string;
  readonly subtype?: string;
  readonly className?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
  readonly description?: string;
  readonly objectId?: string;
  readonly preview?: {
    readonly overflow: boolean;
    readonly properties: readonly { readonly name: string; readonly type: string; readonly value?: string }[];
  };
}

/** A property as the inspector describes it. */
export interface RemoteProperty {
  readonly name: string;
  readonly value?: RemoteObject;
}

type Params = Readonly<Record<string, unknown>>;

/** A session of the inspector protocol. */
export class Inspector {
  readonly #socket: WebSocketClient;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #isClosed = false;
  /** Called with each event of the protocol. */
  onevent: (method: string, params: Params) => void = () => {};
  /** Settled when the connection has ended. */
  readonly closed: Promise<void>;

  private constructor(socket: WebSocketClient) {
    this.#socket = socket;
    socket.onmessage = (text) => this.#take(text);
    this.closed = new Promise((resolve) => {
      socket.onclose = () => {
        this.#isClosed = true;
        for (const { reject } of this.#waiting.values()) reject(new ConnectionLost());
        this.#waiting.clear();
        resolve();
      };
    });
  }

  /**
   * Connects to the inspector at an address of this machine.
   *
   * @param signal gives it up
   * @returns `null` when what listens there is no inspector of Node
   */
  static async connect(address: Address, signal: AbortSignal): Promise<Inspector | null> {
    const text = await get(address, '/json/list', signal);
    const path = /"webSocketDebuggerUrl":\s*"ws:\/\/[^/"]*(\/[^"]*)"/.exec(text)?.[1];
    if (path === undefined || !/"type":\s*"node"/.test(text)) return null;
    return new Inspector(await WebSocketClient.connect(address, path, signal));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls a method of the protocol. */
  send(method: string, params: Params = {}): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new ConnectionLost());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Evaluates an expression. The program may be in the middle of anything, even of a loop that never ends. */
  async evaluate(expression: string, options: Params = {}): Promise<RemoteObject> {
    const answer = (await this.send('Runtime.evaluate', { expression, silent: true, ...options })) as {
      readonly result: RemoteObject;
      readonly exceptionDetails?: { readonly text: string; readonly exception?: RemoteObject };
    };
    const { exceptionDetails: failure } = answer;
    if (failure !== undefined) throw new Error(failure.exception?.description ?? failure.text);
    return answer.result;
  }

  /** The properties of an object: its own ones, and those that only the inspector sees. */
  async properties(
    objectId: string,
    options: Params = {},
  ): Promise<{ own: RemoteProperty[]; internal: RemoteProperty[] }> {
    const answer = (await this.send('Runtime.getProperties', { objectId, ownProperties: true, ...options })) as {
      readonly result: RemoteProperty[];
      readonly internalProperties?: RemoteProperty[];
    };
    return { own: answer.result, internal: answer.internalProperties ?? [] };
  }

  close(): void {
    this.#socket.close();
  }

  #take(text: string): void {
    const message = JSON.parse(text) as {
      readonly id?: number;
      readonly method?: string;
      readonly params?: Params;
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    if (message.id === undefined) {
      this.onevent(message.method ?? '', message.params ?? {});
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.result);
    else if (CONTEXT_GONE.test(message.error.message)) waiting?.reject(new ContextGone(message.error.message));
    else waiting?.reject(new Error(message.error.message));
  }
}

/** What the inspector answers while its process ends: it waits for those that are connected when the program is gone already. */
const CONTEXT_GONE = /Cannot find (?:default execution )?context|Execution context was destroyed/;

/** The process is ending: its inspector still answers, and there is no program any more. */
export class ContextGone extends Error {}

/** The connection has ended: the process has, or its inspector was closed. */
export class ConnectionLost extends Error {
  constructor() {
    super('the connection to the process has ended');
  }
}
