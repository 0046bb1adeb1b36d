import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { transform } from 'esbuild';
import { inRoot } from '../../../scripts/lib/project.ts';

export interface Server {
  readonly url: string;
  close(): void;
}

/** What a browser may fetch: the built package as it is, and the suite, whose types are stripped on the way. */
const SERVED = /^\/(?:dist\/[\w/.-]+\.js|test\/contract\/[\w/.-]+\.ts)$/;

/** Serves a page that loads an entry of the suite, as modules of their own, on a free port of this machine. */
export async function serve(entry: string): Promise<Server> {
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="module" src="/test/contract/entries/${entry}"></script>`;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    try {
      if (pathname === '/') response.setHeader('content-type', 'text/html').end(page);
      else if (SERVED.test(pathname)) response.setHeader('content-type', 'text/javascript').end(await script(pathname));
      else response.writeHead(404).end();
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function script(pathname: string): Promise<string> {
  const text = await readFile(inRoot(pathname), 'utf8');
  if (!pathname.endsWith('.ts')) return text;
  const { code } = await transform(text, {
    loader: 'ts',
    sourcefile: pathname,
    sourcemap: 'inline',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  // Import maps do not reach into workers, so the two names are replaced by what the package exports under them.
  return code.replaceAll(/from "asyncio-ts(\/\w+)?"/g, (_, part = '') => `from "/dist${part}/index.js"`);
}
