// redis-server, with the client of examples/redis.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createTask, gather, sleep } from 'asyncio-ts';
import { type Command, Redis, RedisError } from '../../../examples/redis/redis.ts';
import { type Checks, Missing } from '../lib/checks.ts';
import { example, findProgram, output, Program } from '../lib/programs.ts';
import { freePort } from '../lib/servers.ts';

export default async function redis({ check, folder }: Checks): Promise<void> {
  const program = findProgram('redis-server');
  if (program === null) throw new Missing('redis-server was not found; apt-get install redis-server');
  const place = path.join(folder, 'redis');
  mkdirSync(place, { recursive: true });
  const server = new RedisServer(program, await freePort(), place);
  await server.start();
  try {
    for (const protocol of [2, 3] as const) await withProtocol(check, server, protocol);
    await check('the program of the example', async () => {
      const output = await example('redis/main.ts', '--port', String(server.port));
      deepStrictEqual(output[0], 'pipelined: [ 0, 1, 2 ]');
      deepStrictEqual(output.slice(-3), [
        'refused: WRONGTYPE Operation against a key holding the wrong kind of value',
        ...['news: good morning', 'news: good night'],
      ]);
    });
    await check('a value of 16 MiB there and back', () => big(server));
    await check('100,000 commands of 100 tasks on one connection', () => many(server));
    await check('connects and subscribes again when the server was away', () => reconnects(server));
  } finally {
    await server.stop();
  }
}

async function withProtocol(check: Checks['check'], server: RedisServer, protocol: 2 | 3): Promise<void> {
  const { port } = server;
  await check(`RESP${protocol}: commands in a pipeline, replies of all kinds, as redis-cli sees them`, async () => {
    await using client = await Redis.connect({ port, protocol });
    await client.send('FLUSHALL');
    const replies = await client.pipeline([
      ['SET', 'name', 'Straße\r\nSize 3'],
      ['GET', 'name'],
      ['GET', 'nothing'],
      ['INCRBY', 'count', 40],
      ['INCR', 'count'],
      ['RPUSH', 'list', 'a', 'b', ''],
      ['LRANGE', 'list', 0, -1],
      ['HSET', 'hash', 'x', 1],
    ]);
    deepStrictEqual(replies, ['OK', 'Straße\r\nSize 3', null, 40, 41, 3, ['a', 'b', ''], 1]);
    const hash = await client.send('HGETALL', 'hash');
    deepStrictEqual(hash, protocol === 3 ? new Map([['x', '1']]) : ['x', '1']);
    strictEqual(server.cli('GET', 'name'), 'Straße\r\nSize 3');
    strictEqual(server.cli('GET', 'count'), '41');
    server.cli('SET', 'by', 'redis-cli');
    strictEqual(await client.send('GET', 'by'), 'redis-cli');
  });
  await check(`RESP${protocol}: a refused command fails alone; a transaction has it as a value`, async () => {
    await using client = await Redis.connect({ port, protocol });
    await client.send('SET', 'word', 'abc');
    const failed = createTask(() => client.send('INCR', 'word'));
    const fine = createTask(() => client.send('APPEND', 'word', 'def'));
    await rejects(
      async () => await failed,
      (error) => error instanceof RedisError && error.code === 'ERR',
    );
    strictEqual(await fine, 6);
    const [, , , results] = await client.pipeline([['MULTI'], ['INCR', 'word'], ['STRLEN', 'word'], ['EXEC']]);
    ok(Array.isArray(results) && results[0] instanceof RedisError);
    strictEqual(results[1], 6);
  });
  await check(`RESP${protocol}: messages of channels`, async () => {
    await using client = await Redis.connect({ port, protocol });
    await using messages = await client.subscribe('a', 'b');
    strictEqual(server.cli('PUBLISH', 'a', 'by redis-cli'), '1');
    for (let number = 0; number < 1_000; number++) await client.send('PUBLISH', number % 2 === 0 ? 'a' : 'b', number);
    const got: string[] = [];
    for await (const { channel, text } of messages) if (got.push(channel + text) === 1_001) break;
    deepStrictEqual(got.slice(0, 4), ['aby redis-cli', 'a0', 'b1', 'a2']);
    strictEqual(got.at(-1), 'b999');
  });
  await check(`RESP${protocol}: a cancelled command leaves the replies in order`, async () => {
    await using client = await Redis.connect({ port, protocol });
    await client.send('DEL', 'empty');
    const waiting = createTask(() => client.send('BLPOP', 'empty', 0.3));
    const next = createTask(() => client.send('ECHO', 'next'));
    await sleep(0.05);
    waiting.cancel();
    strictEqual(await next, 'next');
    ok(waiting.cancelled());
  });
}

async function big({ port }: RedisServer): Promise<void> {
  await using client = await Redis.connect({ port });
  const value = 'ä'.repeat(8 * 1_024 * 1_024);
  strictEqual(await client.send('SET', 'big', value), 'OK');
  strictEqual(await client.send('STRLEN', 'big'), 16 * 1_024 * 1_024);
  strictEqual(await client.send('GET', 'big'), value);
  await client.send('DEL', 'big');
}

async function many({ port, cli }: RedisServer): Promise<void> {
  await using client = await Redis.connect({ port });
  await client.send('DEL', 'counter');
  const commands: readonly Command[] = Array.from({ length: 100 }, () => ['INCR', 'counter'] as const);
  const work = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) await client.pipeline(commands);
  };
  await gather(Array.from({ length: 100 }, work));
  strictEqual(cli('GET', 'counter'), '100000');
}

async function reconnects(server: RedisServer): Promise<void> {
  await using client = await Redis.connect({ port: server.port, backoff: { first: 0.02, attempts: 50, longest: 0.1 } });
  await using messages = await client.subscribe('news');
  const waiting = createTask(() => client.send('BLPOP', 'nobody', 0));
  await sleep(0.05);
  await server.stop();
  await rejects(async () => await waiting, { name: 'ConnectionLost' });
  const early = createTask(() => client.send('ECHO', 'once more'));
  await sleep(0.1);
  await server.start();
  strictEqual(await early, 'once more');
  await messages.subscribed();
  await client.send('PUBLISH', 'news', 'we are back');
  for await (const { text } of messages) {
    strictEqual(text, 'we are back');
    break;
  }
}

/** A server that keeps nothing. */
class RedisServer {
  readonly port: number;
  readonly #program: string;
  readonly #folder: string;
  #server: Program | null = null;

  constructor(program: string, port: number, folder: string) {
    this.#program = program;
    this.port = port;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    this.#server = new Program(this.#program, args);
    let line = '';
    while (!/Ready to accept connections/.test(line)) line = await this.#server.line();
    match(line, /Ready/);
  }

  async stop(): Promise<void> {
    this.#server?.kill();
    await this.#server?.outputAndCode();
  }

  /** What redis-cli says. */
  readonly cli = (...command: readonly string[]): string =>
    output('redis-cli', ['-p', String(this.port), '--raw', ...command]);
}
