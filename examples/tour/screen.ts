import process from 'node:process';
import { styleText } from 'node:util';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_BELOW = '\x1b[J';
const FRAME_MS = 60;

/** A terminal. */
interface Writable {
  write(text: string): unknown;
}

/** Shows lines that change, in a terminal. */
export class Screen {
  readonly #stream: Writable;
  readonly #lines: () => string[];
  readonly #timer: NodeJS.Timeout;
  #shown = 0;

  /** @param lines called several times a second, for the lines to show */
  constructor(stream: Writable, lines: () => string[]) {
    this.#stream = stream;
    this.#lines = lines;
    this.#stream.write(HIDE_CURSOR);
    this.#timer = setInterval(() => this.#show(), FRAME_MS);
    process.once('exit', this.#giveCursorBack);
  }

  readonly #giveCursorBack = (): void => {
    this.#stream.write(SHOW_CURSOR);
  };

  #show(): void {
    const lines = this.#lines();
    const up = this.#shown === 0 ? '' : `\x1b[${this.#shown}A`;
    this.#stream.write(`${up}\r${CLEAR_BELOW}${lines.map((line) => `${colored(line)}\n`).join('')}`);
    this.#shown = lines.length;
  }

  /** Shows the last state, and leaves it there. */
  end(): void {
    clearInterval(this.#timer);
    this.#show();
    process.off('exit', this.#giveCursorBack);
    this.#giveCursorBack();
  }
}

function colored(line: string): string {
  return line
    .replaceAll(/●+/g, (steps) => styleText('cyan', steps))
    .replaceAll('✕', styleText('red', '✕'))
    .replaceAll(/─+/g, (wait) => styleText('dim', wait));
}
