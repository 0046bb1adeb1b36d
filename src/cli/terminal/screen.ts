import { writeSync } from 'node:fs';
import process from 'node:process';
import { emitKeypressEvents } from 'node:readline';
import type { Key } from './key.ts';
import type { Line } from './line.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const STYLES: Readonly<Record<Line['style'], string>> = {
  plain: '',
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  reverse: '\x1b[7m',
};

/** Signals that end a process; the screen is given back before. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The whole terminal, for as long as a program is shown in it. */
export class Screen {
  readonly #input: typeof process.stdin;
  readonly #output: typeof process.stdout;
  /** Lines on the screen, so that only those that change are written. */
  #drawn: string[] = [];
  #isOpen = false;
  /** Takes the listeners away that `open` has added. */
  #unlisten: () => void = () => {};

  constructor(input = process.stdin, output = process.stdout) {
    this.#input = input;
    this.#output = output;
  }

  get size(): { readonly columns: number; readonly lines: number } {
    return { columns: this.#output.columns || 80, lines: this.#output.rows || 24 };
  }

  /**
   * Takes the terminal. It is given back by `close`, and when the process ends, in whatever way it can notice.
   *
   * @param onSignal called with a signal that would end the process
   */
  open(onKey: (key: Key) => void, onResize: () => void, onSignal: (signal: NodeJS.Signals) => void): void {
    this.#isOpen = true;
    this.#write(ENTER);
    emitKeypressEvents(this.#input);
    this.#input.setRawMode(true);
    const press = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void => {
      onKey({ name: key.name ?? '', text: text ?? '', ctrl: key.ctrl === true });
    };
    const resize = (): void => {
      this.#drawn = [];
      onResize();
    };
    this.#input.on('keypress', press);
    this.#output.on('resize', resize);
    process.on('exit', this.#restore);
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#unlisten = () => {
      this.#input.removeListener('keypress', press);
      this.#output.removeListener('resize', resize);
      process.removeListener('exit', this.#restore);
      for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    };
    this.#input.resume();
  }

  /** Gives the terminal back. */
  close(): void {
    this.#restore();
    this.#unlisten();
    this.#input.pause();
  }

  /** Shows lines, the first one at the top. */
  draw(lines: readonly Line[]): void {
    const texts = lines.map(({ text, style }) => (style === 'plain' ? text : `${STYLES[style]}${text}\x1b[0m`));
    const changes = texts.flatMap((text, at) => (text === this.#drawn[at] ? [] : `\x1b[${at + 1};1H\x1b[2K${text}`));
    if (changes.length > 0 && this.#isOpen) this.#output.write(changes.join(''));
    this.#drawn = texts;
  }

  readonly #restore = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#input.setRawMode(false);
    } catch {
      // the terminal has gone
    }
    this.#write(LEAVE);
  };

  /** At once: the process may be about to end. */
  #write(text: string): void {
    try {
      writeSync(this.#output.fd, text);
    } catch {
      // the terminal has gone
    }
  }
}
