// A site to crawl, served on localhost: a tree of pages, some of them slow, some failing.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CancelledError, Event, type EventLoop, getRunningLoop, once, sleep, TimeoutError, waitFor } from 'asyncio-ts';

/** How long a slow page takes, in seconds: longer than any client waits. */
const SLOW = 60;

/** What happens when a page is asked for, by its number; `attempt` counts from 1. */
function behaviour(page: number, attempt: number): 'answer' | 'fail' | 'hang' {
  if (page % 41 === 7) return 'fail'; // always
  if (page % 17 === 3) return attempt === 1 ? 'fail' : 'answer';
  if (page % 29 === 5) return attempt === 1 ? 'hang' : 'answer';
  return 'answer';
}

/** A site that is open. */
export class Site {
  readonly #pages: number;
  readonly #loop: EventLoop = getRunningLoop();
  readonly #server = createServer((request, response) => this.#accept(request, response));
  readonly #attempts = new Map<number, number>();
  readonly #idle = new Event();
  #open = 0;

  private constructor(pages: number) {
    this.#pages = pages;
    this.#idle.set();
  }

  static async open(pages: number): Promise<Site> {
    const site = new Site(pages);
    using listening = once(site.#server, 'listening');
    site.#server.listen(0, 'localhost');
    await listening;
    return site;
  }

  /** The address of the first page. */
  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/0`;
  }

  /** Each request is a task, which ends with the connection. */
  #accept(request: IncomingMessage, response: ServerResponse): void {
    this.#open++;
    this.#idle.clear();
    const task = this.#loop.createTask(() => this.#answer(request, response), { name: `serve ${request.url}` });
    response.once('close', () => {
      task.cancel();
      this.#open--;
      if (this.#open === 0) this.#idle.set();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = Number(request.url?.slice(1));
    const attempt = (this.#attempts.get(page) ?? 0) + 1;
    this.#attempts.set(page, attempt);
    const what = behaviour(page, attempt);
    try {
      await sleep(what === 'hang' ? SLOW : 0.002);
    } catch (error) {
      if (error instanceof CancelledError) response.destroy();
      throw error;
    }
    response.statusCode = what === 'fail' ? 503 : 200;
    response.end(what === 'fail' ? 'out of order' : this.#html(page));
  }

  #html(page: number): string {
    const links = [2 * page + 1, 2 * page + 2, (page * 7) % this.#pages].filter((link) => link < this.#pages);
    return `<h1>Page ${page}</h1>${links.map((link) => `<a href="/${link}">${link}</a>`).join(' ')}`;
  }

  /** Closes the site. Waits at most five seconds for open requests, and returns the number of those that are still open. */
  async close(): Promise<number> {
    try {
      await waitFor(this.#idle.wait(), 5);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    const left = this.#open;
    this.#server.closeAllConnections();
    this.#server.close();
    return left;
  }
}
