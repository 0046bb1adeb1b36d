import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import { randomUUID } from '../late.ts';
import { type Settle, settled } from '../waiting.ts';

/** Two sockets that are connected to each other. */
export interface SocketPair {
  /** For this process, which reads from it. */
  readonly near: Socket;
  /** For another process; it is destroyed here after that. */
  readonly far: Socket;
}

/**
 * Makes two sockets that are connected. Runtimes make one pipe for each stream of a process, and cannot let two streams use
 * the same one; but they can pass an existing socket for both. The pair is made at an address in a folder that only this user can enter.
 */
export function* socketPair(loop: EventLoop): Generator<unknown, SocketPair, unknown> {
  const maker = new PairMaker();
  try {
    yield* settled<void>(loop, { operation: 'spawn', object: null }, (settle) => {
      maker.begin(settle);
      return () => {};
    });
    return maker.take();
  } finally {
    maker.end();
  }
}

class PairMaker {
  readonly #folder = process.platform === 'win32' ? null : mkdtempSync(path.join(tmpdir(), 'asyncio-'));
  readonly #server: Server = createServer({ pauseOnConnect: true });
  #near: Socket | null = null;
  #far: Socket | null = null;
  #isOver = false;

  begin({ resolve, reject }: Settle<void>): void {
    const address = this.#folder === null ? `\\\\.\\pipe\\asyncio-${randomUUID()}` : path.join(this.#folder, 'pipe');
    let missing = 2;
    const connected = (): void => {
      missing--;
      if (missing === 0) resolve();
    };
    this.#server.on('error', reject).on('connection', (socket) => {
      if (this.#isOver) socket.destroy();
      this.#near = socket;
      connected();
    });
    this.#server.listen(address, () => {
      if (this.#isOver) return;
      // Paused: incoming bytes are for the other process.
      this.#far = connect(address).pause().on('error', reject).on('connect', connected);
    });
  }

  /** The pair, which from now on belongs to the caller. */
  take(): SocketPair {
    const pair = { near: this.#near as Socket, far: this.#far as Socket };
    this.#near = null;
    this.#far = null;
    pair.far.removeAllListeners('error').on('error', () => {}); // it is only destroyed
    return pair;
  }

  end(): void {
    this.#isOver = true;
    this.#near?.destroy();
    this.#far?.destroy();
    this.#server.close();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}
