import type { Link } from './link.ts';
import type { TcpProxy } from './proxy.ts';

/** What is written to: `process.stdout`. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How often the line may change, in milliseconds. */
const PERIOD = 100;

/** On a terminal a line that changes, with the bytes of each connection; and everywhere a line for each connection that has ended. */
export class Status {
  readonly #output: Output;
  #shown = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  readonly change = (proxy: TcpProxy): void => {
    const now = performance.now();
    if (!this.#output.isTTY || now - this.#shown < PERIOD) return;
    this.#shown = now;
    this.#output.write(`\r\x1b[K${statusOf(proxy).slice(0, (this.#output.columns || 80) - 1)}`);
  };

  readonly end = ({ number, from, up, down, end }: Link): void => {
    const clear = this.#output.isTTY ? '\r\x1b[K' : '';
    this.#output.write(`${clear}#${number} ${from} ${end}: ${up} bytes up, ${down} down\n`);
  };
}

/** Such as `2 connections  #1 12 kB↑ 3 MB↓  #2 0 B↑ 0 B↓`. */
export function statusOf({ links }: TcpProxy): string {
  const parts = [...links].map(({ number, up, down }) => `#${number} ${size(up)}↑ ${size(down)}↓`);
  return [`${links.size} connections`, ...parts].join('  ');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

function size(bytes: number): string {
  let unit = 0;
  for (; bytes >= 1_000 && unit < UNITS.length - 1; unit++) bytes /= 1_000;
  return `${bytes >= 10 || unit === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${UNITS[unit]}`;
}
