import { Future } from '../index.ts';
import { afterMicrotasks, encodeUtf8, release } from '../kernel/lowlevel.ts';
import type { IncomingLike, OutgoingLike } from './listener.ts';
import { RequestTask } from './request-tasks.ts';
import { onSocketClose } from './socket-close.ts';

/** A request of Node's HTTP server: its task lasts until its response is closed, and ends when it is closed before it was sent. */
export abstract class NodeRequest extends RequestTask {
  protected abstract readonly request: IncomingLike | null;
  protected abstract readonly response: OutgoingLike;
  protected isClosed = false;
  #closed: Future<void> | null = null;
  /** Whether it was answered in place of its listener. */
  #isAnswered = false;

  override get isSending(): boolean {
    return this.response.writableEnded && !this.isClosed;
  }

  /** Has the task cancelled when the client leaves. */
  protected followResponse(): void {
    const close = (): void => this.#close();
    this.response.on('close', close); // not `once`, which would wrap it and take it off again
    // A pipelined request whose turn to be answered has not come: its response has no socket yet, and Node 22 and Deno never close it.
    if (this.response.socket === null) this.whenSocketCloses(close);
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // Not the close of the request: that comes as soon as its body has been read.
    if (!this.response.writableEnded) {
      // For access logs, which otherwise would note the 200 that every response begins with.
      if (!this.response.headersSent) this.response.statusCode = 499;
      this.clientLeft();
    } else if (this.#closed !== null) release(this.#closed);
  }

  /** A wait for the close of the response; `null` when it is closed. */
  protected untilClosed(): Future<void> | null {
    if (this.isClosed) return null;
    this.#closed = new Future<void>({ loop: this.loop });
    return this.#closed;
  }

  protected whenSocketCloses(callback: () => void): void {
    const socket = this.request?.socket;
    if (socket === undefined || socket === null) return;
    const stop = onSocketClose(socket, callback);
    this.task.addDoneCallback(stop);
  }

  override abandon(): void {
    this.giveUp();
    this.destroyRequest();
  }

  /** Whoever reads a body whose rest never comes would wait for ever. Its answer is sent before that. */
  protected destroyRequest(): void {
    afterMicrotasks(() => this.request?.destroy?.());
  }

  /** The client gets what can still be told to it. */
  protected giveUp(): void {
    // The client has left, was answered, or the server is drained.
    if (this.isClosed || this.response.writableEnded) return;
    if (this.response.headersSent) this.response.destroy();
    else this.answerInstead(503, 'the request was cancelled');
  }

  /** Answers in place of the listener, which may not know of it: what it sends afterwards is dropped. */
  protected answerInstead(status: number, text: string): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    answer(this.response, status, text);
    // A middleware that has an `end` of its own may send the answer later, by the methods that would be muted.
    if (this.response.writableEnded) mute(this.response, () => this.goesOn());
  }

  /** The listener has sent something after somebody else has answered. */
  protected goesOn(): void {}
}

/** What a listener has set for a body of its own, and would be wrong for another: with its `content-length`, a client would wait for the rest. */
const OF_ANOTHER_BODY = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'etag',
  'expires',
  'last-modified',
  'trailer',
  'transfer-encoding',
];

/** What sends something, or says what will be sent. */
const SENDING = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'writeHead',
  'flushHeaders',
  'write',
  'end',
  'addTrailers',
] as const;

/** Answers with a line of text, unless the response has begun. */
export function answer(response: OutgoingLike, status: number, text: string): void {
  if (response.headersSent) return;
  for (const name of OF_ANOTHER_BODY) if (response.hasHeader(name)) response.removeHeader(name);
  // HTTP/2 has no such text, and warns of it.
  if (Object.hasOwn(response, 'statusMessage') && response.statusMessage) response.statusMessage = '';
  const body = encodeUtf8(`${text}\n`);
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('content-length', String(body.length));
  response.end(body);
}

/**
 * From now on drops whatever a listener sends. Node would throw in the middle of its callback, or report an error of the response that nobody
 * listens to, and either of them ends the process.
 *
 * @param dropped called when that happens for the first time
 */
function mute(response: OutgoingLike, dropped: () => void): void {
  let isTold = false;
  const drop = (result: unknown, args: readonly unknown[]): unknown => {
    if (!isTold) dropped();
    isTold = true;
    // `write` and `end` tell their callback when they are through.
    const callback = args.at(-1);
    if (typeof callback === 'function') afterMicrotasks(() => callback());
    return result;
  };
  for (const name of SENDING) {
    const value = (...args: unknown[]): unknown => drop(name === 'write' ? true : response, args);
    Object.defineProperty(response, name, { value, configurable: true, writable: true });
  }
}
