import { Future } from '../index.ts';
import { afterMicrotasks, release } from '../kernel/lowlevel.ts';
import type { IncomingLike, OutgoingLike } from './listener.ts';
import { RequestTask } from './request-tasks.ts';
import { onSocketClose } from './socket-close.ts';

/** A request of Node's HTTP server: its task lasts until its response is closed, and ends when it is closed before it was sent. */
export abstract class NodeRequest extends RequestTask {
  protected abstract readonly request: IncomingLike | null;
  protected abstract readonly response: OutgoingLike;
  protected isClosed = false;
  #closed: Future<void> | null = null;

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
    if (!this.response.writableEnded) this.task.cancel(`the client of ${this.name} has left`);
    else if (this.#closed !== null) release(this.#closed);
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
    else answer(this.response, 503, 'the request was cancelled');
  }
}

/** Answers with a line of text, unless the response has begun. */
export function answer(response: OutgoingLike, status: number, text: string): void {
  if (response.headersSent) return;
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain');
  response.end(`${text}\n`);
}
