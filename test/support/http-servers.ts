import { once } from 'node:events';
import http, { type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { allTasks, sleep } from 'asyncio-ts';
import { type RequestOptions, taskListener } from 'asyncio-ts/http';
import { onTestFinished } from 'vitest';

/** Waits until a server listens, on a port of its own unless it has one, and closes it with its connections when the test has finished. */
export async function listeningOn(server: Server): Promise<{ readonly port: number; readonly base: string }> {
  if (server.address() === null) server.listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, base: `http://127.0.0.1:${port}` };
}

/** A server whose requests are tasks. What its listener rejects with is kept. */
export async function listening(
  listener: (request: http.IncomingMessage, response: http.ServerResponse) => unknown,
  options: RequestOptions = {},
) {
  const rejected: unknown[] = [];
  const serve = taskListener(listener, options);
  const server = http.createServer((request, response) => {
    serve(request, response).catch((error: unknown) => rejected.push(error));
  });
  return { server, rejected, ...(await listeningOn(server)) };
}

/** The names of the requests under way. */
export function requestNames(): string[] {
  return [...allTasks()].map((task) => task.getName()).filter((name) => /^[A-Z]+ \//.test(name));
}

/** Waits until no request is under way. */
export async function quiet(): Promise<void> {
  while (requestNames().length > 0) await sleep(0.001);
}

/** A client that sends these bytes, and reads nothing until it is told to. */
export function rawClient(port: number, text: string): Socket {
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
  });
  client.pause();
  client.on('error', () => {});
  client.write(text);
  return client;
}

/** Has a client read until its connection is closed; gives how many bytes came. */
export async function readToEnd(client: Socket): Promise<number> {
  let read = 0;
  client.on('data', (chunk) => {
    read += chunk.length;
  });
  client.resume();
  while (!client.closed) await sleep(0.001);
  return read;
}
