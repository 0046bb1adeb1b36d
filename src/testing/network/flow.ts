import { ByteBuffer } from '../../streams/byte-buffer.ts';
import type { Faults } from './faults.ts';
import type { Lane } from './lane.ts';

/** Marks the end of a direction. */
export const END: unique symbol = Symbol('end');

/** The end of a connection that sends into a flow. */
export interface Sender {
  /** Bytes have left the buffer. */
  sent(): void;
  /** Everything was handed over, the end included. */
  finished(): void;
}

/** The end of a connection that a flow comes out of. */
export interface Receiver {
  /** @returns whether the bytes were taken; otherwise they take up room until `freed()` is called */
  received(item: Uint8Array | typeof END): boolean;
  reset(): void;
}

/** What a flow needs to know of its network. */
export interface FlowSettings {
  /** How many bytes the systems of both hosts keep for a direction of a connection. */
  readonly bufferSize: number;
  /** How many bytes arrive at once at the most. */
  readonly maxRead: number;
  /** How many bytes are taken at once at the most. */
  readonly maxWrite: number;
}

/**
 * The bytes of one direction of a connection:
 *
 *     write() ──▶ buffer of the writer ──▶ on the lane │ kept by the receiver ──▶ reader
 *                 (getWriteBufferSize)      └─ together at most `bufferSize` ─┘
 */
export class Flow {
  /** Such as `a:49152 → b:80`. */
  readonly #name: string;
  readonly #lane: Lane;
  readonly #settings: () => FlowSettings;
  readonly #faults: Faults;
  /** Resets both directions of the connection. */
  readonly #reset: () => void;
  readonly #unsent = new ByteBuffer();
  sender!: Sender;
  receiver!: Receiver;
  /** How many bytes are on the lane. */
  #onLane = 0;
  /** How many bytes the receiver keeps. */
  #kept = 0;
  /** Whether nothing more is taken before the next bytes have arrived: after a short write. */
  #isShort = false;
  #isEnding = false;
  #isFinished = false;
  #isReset = false;
  /** Whether the direction was cut off, so that the rest of it never arrives. */
  #isCutOff = false;

  constructor(name: string, lane: Lane, settings: () => FlowSettings, faults: Faults, reset: () => void) {
    this.#name = name;
    this.#lane = lane;
    this.#settings = settings;
    this.#faults = faults;
    this.#reset = reset;
  }

  /** How many bytes are in the writer's buffer. */
  get size(): number {
    return this.#unsent.length;
  }

  write(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    this.#send();
  }

  /** Ends the direction when the buffer is empty. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#send();
  }

  /** Drops the buffer. What was taken by the system still arrives, and then the end. */
  abandon(): void {
    this.#unsent.clear();
    this.#isShort = false;
    this.end();
  }

  /** Drops everything; the receiver gets a reset. */
  reset(): void {
    if (this.#isReset) return;
    this.stop();
    this.#isReset = true;
    this.#lane.send(`${this}: reset`, () => this.receiver.reset());
  }

  /** Drops everything but a reset. */
  stop(): void {
    if (this.#isReset) return;
    this.#unsent.clear();
    this.#clearLane();
    this.#isEnding = true;
    this.#isFinished = true;
  }

  /** Ends the direction for the receiver, at once; the rest never arrives. */
  cutOff(): void {
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    this.#clearLane();
    this.#lane.send(`${this}: end`, () => this.receiver.received(END));
    this.#send();
  }

  /** The receiver has taken bytes that it had kept. */
  freed(count: number): void {
    this.#kept -= count;
    this.#send();
  }

  #clearLane(): void {
    this.#lane.clear();
    this.#onLane = 0;
    this.#isShort = false;
  }

  #send(): void {
    const before = this.#unsent.length;
    if (this.#isCutOff) this.#unsent.clear(); // the system takes it, and it never arrives
    for (;;) {
      const most = Math.min(this.#unsent.length, this.#settings().bufferSize - this.#onLane - this.#kept);
      if (this.#unsent.length === 0 || this.#isShort || most <= 0) break;
      const count = this.#countToTake(most);
      this.#isShort = count < most;
      this.#put(this.#unsent.take(count));
    }
    if (this.#unsent.length < before) this.sender.sent();
    if (this.#unsent.length > 0 || !this.#isEnding || this.#isFinished) return;
    this.#isFinished = true;
    if (!this.#isCutOff) this.#lane.send(`${this}: end`, () => this.receiver.received(END));
    this.sender.finished();
  }

  #countToTake(most: number): number {
    const { maxWrite } = this.#settings();
    if (most < 2 || maxWrite < most) return Math.min(most, maxWrite);
    return this.#faults.strikes('shortWrites', () => `${this}: the first half of ${most} bytes`) ? most >> 1 : most;
  }

  #put(bytes: Uint8Array): void {
    this.#onLane += bytes.length;
    this.#lane.send(this.#labelOf(bytes), () => this.#arrive(bytes));
  }

  #labelOf(bytes: Uint8Array): string {
    return `${this}: ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}`;
  }

  #arrive(bytes: Uint8Array): void {
    const what = () => this.#labelOf(bytes);
    if (this.#faults.strikes('reset', what)) {
      this.#reset();
      return;
    }
    if (this.#faults.strikes('halfClose', what)) {
      this.cutOff();
      return;
    }
    const count = this.#countToGive(bytes.length);
    const rest = bytes.subarray(count);
    if (rest.length > 0) this.#lane.sendFirst(this.#labelOf(rest), () => this.#arrive(rest));
    this.#isShort = false;
    this.#onLane -= count;
    if (!this.receiver.received(bytes.subarray(0, count))) this.#kept += count;
    this.#send();
  }

  /** Of some bytes: all, the first one, half of them, or all but the last one. */
  #countToGive(length: number): number {
    const parts = [...new Set([1, length >> 1, length - 1])].filter((count) => count > 0 && count < length);
    const most = Math.min(length, this.#settings().maxRead);
    if (most < length || parts.length === 0) return most;
    const way = this.#faults.way('shortReads', parts.length, () => `${this}: a part of ${length} bytes`);
    return way === 0 ? length : parts[way - 1]!;
  }

  toString(): string {
    return this.#name;
  }
}
