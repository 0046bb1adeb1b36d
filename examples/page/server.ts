import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import { CancelledError, sleep } from 'asyncio-ts';
import { taskListener } from 'asyncio-ts/http';

const CITIES = [
  ...['Amsterdam', 'Athens', 'Barcelona', 'Belgrade', 'Berlin', 'Bern', 'Bratislava', 'Brussels', 'Bucharest'],
  ...['Budapest', 'Copenhagen', 'Dublin', 'Hamburg', 'Helsinki', 'Kyiv', 'Lisbon', 'Ljubljana', 'London', 'Madrid'],
  ...['Milan', 'Munich', 'Oslo', 'Paris', 'Prague', 'Riga', 'Rome', 'Sofia', 'Stockholm', 'Tallinn', 'Turin'],
  ...['Vienna', 'Vilnius', 'Warsaw', 'Zagreb', 'Zurich'],
];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};
/** How fast files are taken, in bytes per second. */
const SPEED = 6_000_000;

/** The server of the page. */
export interface PageServer {
  readonly server: Server;
  /** What has become of each request to the API: `begun`, then `answered`, `aborted` by the client, or `failed`. */
  readonly log: readonly string[];
  /** How many files came in at the same time at most. */
  readonly mostFiles: number;
}

/**
 * Serves the page and its API. A request is a task, which ends when the page aborts it.
 *
 * @param folder what Vite has built
 */
export function createPageServer(folder: string): PageServer {
  const log: string[] = [];
  const files = { now: 0, most: 0 };
  const polls = new Map<string, number>();

  async function search(url: URL, response: ServerResponse): Promise<void> {
    const query = url.searchParams.get('q') ?? '';
    await sleep(query.length < 2 ? 4 : 0.1); // as an index does that has many hits
    const cities = CITIES.filter((city) => city.toLowerCase().includes(query.toLowerCase()));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(cities));
  }

  async function takeFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
    files.most = Math.max(files.most, ++files.now);
    try {
      for await (const chunk of request) await sleep((chunk as Buffer).length / SPEED);
      response.writeHead(201).end();
    } finally {
      files.now--;
    }
  }

  /** A job that gets on with every second question, and is busy at the third. */
  function job(url: URL, response: ServerResponse): void {
    const count = (polls.get(url.pathname) ?? 0) + 1;
    polls.set(url.pathname, count);
    const share = Math.min(1, Math.floor(count / 2) / 3);
    if (count === 3) response.writeHead(503).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ share, isLast: share === 1 }));
  }

  async function answerApi(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const what = `${request.method} ${decodeURIComponent(url.pathname + url.search)}`;
    log.push(`${what} begun`);
    try {
      if (url.pathname === '/api/search') await search(url, response);
      else if (url.pathname.startsWith('/api/files/')) await takeFile(request, response);
      else if (url.pathname.startsWith('/api/jobs/')) job(url, response);
      else response.writeHead(404).end();
      log.push(`${what} answered`);
    } catch (error) {
      log.push(`${what} ${error instanceof CancelledError || request.destroyed ? 'aborted' : 'failed'}`);
      throw error;
    }
  }

  async function sendFile({ pathname }: URL, response: ServerResponse): Promise<void> {
    const file = path.join(folder, path.posix.normalize(pathname === '/' ? '/index.html' : pathname));
    try {
      response.setHeader('content-type', TYPES[path.extname(file)] ?? 'application/octet-stream');
      response.end(await readFile(file));
    } catch {
      response.writeHead(404).end();
    }
  }

  const server = http.createServer(
    taskListener(async (request: IncomingMessage, response: ServerResponse) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (url.pathname.startsWith('/api/')) await answerApi(url, request, response);
      else await sendFile(url, response);
    }),
  );
  return {
    server,
    log,
    get mostFiles() {
      return files.most;
    },
  };
}
