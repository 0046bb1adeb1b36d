import { getRunningLoop, Queue, QueueFull, type TimerHandle } from 'asyncio-ts';
import { ConnectionError, type StreamWriter } from 'asyncio-ts/node';

/** How many lines wait for somebody who reads slowly. */
const KEPT = 100;
/** How long somebody who is to go may take to read what is left, in seconds. */
const GRACE = 2;

/** Somebody in the chat. Lines for him wait in a queue of their own, so that nobody waits for him. */
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

  /** Whether he has been told to go. */
  get isGone(): boolean {
    return this.#farewell !== null;
  }

  /** Never waits. False when he reads so slowly that no more lines can be kept for him. */
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

  /** Ends his connection when he has read what is left, and the farewell; or after a while without that. */
  dismiss(farewell: string): void {
    if (this.isGone) return;
    this.#farewell = farewell;
    this.#lines.shutdown();
    this.#end = getRunningLoop().callLater(GRACE, () => this.#writer.transport.abort());
  }

  /** Sends him his lines up to his end. */
  async send(): Promise<void> {
    try {
      for await (const line of this.#lines) await this.#write(line);
      if (this.#farewell !== '') await this.#write(this.#farewell ?? '');
    } catch (error) {
      // Whoever reads from him sees it too.
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
