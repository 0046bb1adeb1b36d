/** How many taken chunks may be at the front of the list before the rest is moved: amortised, a chunk is moved at most once. */
const MOVE_FROM = 64;

/** When so many chunks wait, small ones are joined: a chunk of its own costs a hundred bytes and more. */
const PACK_FROM = 64;
const SMALL = 512;
const PACKED = 4_096;

const EMPTY = /* @__PURE__ */ new Uint8Array(0);

/**
 * Bytes in the chunks in which they arrived. Taking them copies nothing that lies within one chunk, and every other
 * byte once, or twice when many small chunks wait: many small chunks and one large read, or one large chunk and many small reads, are
 * both linear.
 *
 *     #chunks  [ taken | taken | a b c d e | f g h | i j ]
 *                                ▲   ▲
 *                            #first  #offset: the first two bytes of this chunk are taken
 */
export class ByteBuffer {
  #chunks: Uint8Array[] = [];
  /** Invariant: the chunks before it are taken; it is the list's length when nothing is left. */
  #first = 0;
  /** Invariant: below the length of the first chunk, 0 when there is none. */
  #offset = 0;
  #length = 0;
  /** Invariant: when its `view` is the last chunk, what follows that in `room` is free. */
  #pack: { readonly room: Uint8Array; readonly view: Uint8Array } | null = null;

  /** How many bytes are in it. */
  get length(): number {
    return this.#length;
  }

  /** Adds a chunk, which must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    const isPacked = chunk.length <= SMALL && this.#chunks.length - this.#first >= PACK_FROM && this.#packs(chunk);
    if (!isPacked) this.#chunks.push(chunk);
  }

  /** Puts a chunk behind the last one, in the same memory, if that can be. */
  #packs(chunk: Uint8Array): boolean {
    const index = this.#chunks.length - 1;
    const last = this.#chunks[index] as Uint8Array;
    const end = last.length + chunk.length;
    let room = this.#pack?.view === last ? this.#pack.room : null;
    if (room === null) {
      if (last.length > SMALL) return false;
      room = new Uint8Array(PACKED);
      room.set(last);
    } else if (end > PACKED) return false;
    room.set(chunk, last.length);
    const view = room.subarray(0, end);
    this.#pack = { room, view };
    this.#chunks[index] = view;
    return true;
  }

  /** Takes a number of bytes, or all when there are fewer. Returns a view of a chunk where possible. */
  take(count: number): Uint8Array {
    const wanted = Math.min(count, this.#length);
    if (wanted <= 0) return EMPTY;
    const first = this.#chunks[this.#first] as Uint8Array;
    if (first.length - this.#offset >= wanted) return this.#takeOfFirst(first, wanted);
    const bytes = new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const chunk = this.#chunks[this.#first] as Uint8Array;
      const part = this.#takeOfFirst(chunk, Math.min(chunk.length - this.#offset, wanted - filled));
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  #takeOfFirst(chunk: Uint8Array, count: number): Uint8Array {
    const start = this.#offset;
    const end = start + count;
    this.#length -= count;
    if (end < chunk.length) this.#offset = end;
    else this.#dropFirst();
    return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
  }

  #dropFirst(): void {
    this.#offset = 0;
    if (this.#chunks.length === 1) {
      this.#chunks.pop(); // keeps the memory of the list, which setting its length would free
      return;
    }
    this.#chunks[this.#first] = EMPTY; // so that the chunk is not kept alive until the list is moved
    this.#first++;
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    } else if (this.#first >= MOVE_FROM && this.#first * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Takes everything. */
  takeAll(): Uint8Array {
    return this.take(this.#length);
  }

  /** The rest of the first chunk; `null` when there is none. */
  takeChunk(): Uint8Array | null {
    const chunk = this.#chunks[this.#first];
    return chunk === undefined ? null : this.#takeOfFirst(chunk, chunk.length - this.#offset);
  }

  clear(): void {
    this.#chunks = [];
    this.#pack = null;
    this.#first = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  /**
   * Where a sequence of bytes begins, `-1` when it is not there.
   *
   * @param sequence at least one byte
   * @param from where to begin; unless that is in the first chunk, finding it costs as many steps as there are chunks behind it
   * @param before where the sequence must have ended
   */
  indexOf(sequence: Uint8Array, from = 0, before = this.#length): number {
    const last = before - sequence.length;
    if (from > last) return -1;
    const head = sequence[0] as number;
    let { index, start } = this.#locate(from);
    let at = from - start;
    for (; start <= last; index++) {
      const part = this.#part(index);
      // The bytes after that are not searched, however large the chunk is.
      const chunk = start + part.length <= before ? part : part.subarray(0, before - start);
      for (at = chunk.indexOf(head, at); at !== -1; at = chunk.indexOf(head, at + 1)) {
        if (start + at > last) return -1;
        if (sequence.length === 1 || this.#matches(sequence, index, at)) return start + at;
      }
      start += chunk.length;
      at = 0;
    }
    return -1;
  }

  /** The bytes of a chunk that were not taken. */
  #part(index: number): Uint8Array {
    const chunk = this.#chunks[index] as Uint8Array;
    return index === this.#first && this.#offset > 0 ? chunk.subarray(this.#offset) : chunk;
  }

  /**
   * The chunk that contains a position, and where the chunk begins. Checks the first one, then searches from the end, where new bytes are.
   */
  #locate(position: number): { index: number; start: number } {
    if (position < (this.#chunks[this.#first] as Uint8Array).length - this.#offset)
      return { index: this.#first, start: 0 };
    let start = this.#length;
    let index = this.#chunks.length;
    do {
      index--;
      start -= this.#part(index).length;
    } while (start > position);
    return { index, start };
  }

  /** Whether a sequence of bytes is at a position. Its first byte was already compared. Invariant: enough bytes follow. */
  #matches(sequence: Uint8Array, index: number, at: number): boolean {
    let chunk = this.#part(index);
    for (let i = 1; i < sequence.length; i++) {
      at++;
      if (at === chunk.length) {
        index++;
        chunk = this.#part(index);
        at = 0;
      }
      if (chunk[at] !== sequence[i]) return false;
    }
    return true;
  }
}
