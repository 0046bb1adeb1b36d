import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'asyncio-ts';

/** A server of `node:http`, closed with all its connections at the end. */
export class HttpServer implements AsyncDisposable {
  readonly server: http.Server;
  readonly url: string;

  private constructor(server: http.Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async of(listener: RequestListener): Promise<HttpServer> {
    const server = http.createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HttpServer(server);
  }

  /** How many connections it has. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
