import type { CrawlReport } from './crawl.ts';

/** What is written to: `process.stdout`. */
interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** On a terminal one line that changes, elsewhere a line for every fifty pages. */
export class Progress {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  readonly show = (report: CrawlReport): void => {
    const visited = report.done + report.failed;
    if (this.#output.isTTY) this.#output.write(`\r\x1b[K${describe(report)}`);
    else if (visited % 50 === 0) this.#output.write(`${describe(report)}\n`);
  };

  end(): void {
    if (this.#output.isTTY) this.#output.write('\n');
  }
}

export function describe({ found, done, failed, retries, timeouts }: CrawlReport): string {
  return `${done + failed} of ${found} pages visited: ${failed} failed, ${retries} retries, ${timeouts} timeouts`;
}
