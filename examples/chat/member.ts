import { getRunningLoop, Queue, QueueFull, type TimerHandle } from 'asyncio-ts';
import { ConnectionError, type StreamWriter } from 'asyncio-ts/node';

/** How many lines are kept for a member who reads slowly. */
const KEPT = 100;
/** How long a member who has to leave may take to read the remaining lines, in seconds. */
const GRACE = 2;

/** A member of the chat. Lines for each member wait in a queue, so that nobody has to wait for a slow one. */
export class Member {
  name: string;
  room: string;
  readonly #writer: StreamWriter;
  readonly #lines = new Queue<string>(KEPT);
  #farewell: string | null = null;
  #end: TimerHandle | null = null;

  constructor(name: string, room: string, writer: StreamWriter) {
    this.name = name;
    this.room = room;
    this.#writer = writer;
  }

  /** Whether the member was asked to leave. */
  get isGone(): boolean {
    return this.#farewell !== null;
  }

  /** Never waits. False when the member reads so slowly that the queue is full. */
  tell(line: string): boolean {
    if (this.isGone) return true;
    try {
      this.#lines.putNowait(line);
      return true;
    } catch (error) {
      if (error instanceof QueueFull) return false;
      throw error;
    }
  }

  /** Ends the connection when the member has read the remaining lines and the farewell, or after a time limit. */
  dismiss(farewell: string): void {
    if (this.isGone) return;
    this.#farewell = farewell;
    this.#lines.shutdown();
    this.#end = getRunningLoop().callLater(GRACE, () => this.#writer.transport.abort());
  }

  /** Sends the member's lines until the member leaves. */
  async send(): Promise<void> {
    try {
      for await (const line of this.#lines) await this.#write(line);
      if (this.#farewell !== '') await this.#write(this.#farewell ?? '');
    } catch (error) {
      // The code that reads from the connection gets this error too.
      if (!(error instanceof ConnectionError)) throw error;
    } finally {
      this.#end?.cancel();
      this.#writer.close();
    }
  }

  async #write(line: string): Promise<void> {
    this.#writer.write(`${line}\n`);
    await this.#writer.drain();
  }
}
