import { createReadStream, existsSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { BASE } from './repository.ts';

/** Serves the built site as a host of static files does. */

const TYPES = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript'],
  ['.css', 'text/css'],
  ['.svg', 'image/svg+xml'],
  ['.json', 'application/json'],
  ['.wasm', 'application/wasm'],
]);

/** The file of the built site that an address leads to, `null` when there is none. */
function fileOf(folder: string, address: string): string | null {
  const { pathname } = new URL(address, 'http://site');
  if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return null;
  const file = path.join(folder, decodeURIComponent(pathname.slice(BASE.length)));
  if (!file.startsWith(folder) || !existsSync(file)) return null;
  if (!statSync(file).isDirectory()) return file;
  const index = path.join(file, 'index.html');
  return existsSync(index) ? index : null;
}

/** A server of the built site. */
export interface SiteServer extends AsyncDisposable {
  /** The address of the first page. */
  readonly address: string;
}

export async function serve(folder: string): Promise<SiteServer> {
  const server = http.createServer((request, response) => {
    const file = fileOf(folder, request.url ?? '/') ?? path.join(folder, '404.html');
    response.statusCode = file.endsWith('404.html') ? 404 : 200;
    response.setHeader('content-type', TYPES.get(path.extname(file)) ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
