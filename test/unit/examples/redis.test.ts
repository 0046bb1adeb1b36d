import { createTask, gather, run, sleep } from 'asyncio-ts';
import { type Server, StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { type Address, Redis, RedisError, type RedisOptions } from '../../../examples/redis/redis.ts';
import { encode, Push, type Reply, readReply } from '../../../examples/redis/resp.ts';
import { ExampleProgram } from '../../support/example-program.ts';

/** A Redis of a few commands. Its `DIE` cuts the connection that asks for it. */
class FakeRedis {
  readonly values = new Map<string, string>();
  /** What was asked for, in order. */
  readonly commands: string[] = [];
  readonly #subscribers = new Map<StreamWriter, { readonly channels: string[]; readonly mark: string }>();
  #connections = 0;

  readonly handle = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    await using _ = writer;
    let mark = '*';
    this.#connections++;
    try {
      while (!reader.atEof()) {
        const [name, ...args] = (await readReply(reader)) as string[];
        this.commands.push([name, ...args].join(' '));
        if (name === 'HELLO') mark = '>';
        if (name === 'DIE') return;
        if (name === 'SUBSCRIBE') this.#subscribe(writer, args, mark);
        else writer.write(this.#answer(name!, args));
        await writer.drain();
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'IncompleteReadError')) throw error;
    } finally {
      this.#subscribers.delete(writer);
    }
  };

  /** Cuts the connections that wait for messages. */
  cutSubscribers(): void {
    for (const writer of this.#subscribers.keys()) writer.close();
  }

  #subscribe(writer: StreamWriter, channels: string[], mark: string): void {
    this.#subscribers.set(writer, { channels, mark });
    for (const [index, channel] of channels.entries())
      writer.write(`${mark}3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:${index + 1}\r\n`);
  }

  #answer(name: string, [key = '', value = '']: readonly string[]): string {
    switch (name) {
      case 'HELLO':
        return '%1\r\n+proto\r\n:3\r\n';
      case 'CONNECTIONS':
        return `:${this.#connections}\r\n`;
      case 'SET':
        this.values.set(key, value);
        return '+OK\r\n';
      case 'GET': {
        const found = this.values.get(key);
        return found === undefined ? '_\r\n' : `$${Buffer.byteLength(found)}\r\n${found}\r\n`;
      }
      case 'PUBLISH':
        return `:${this.#publish(key, value)}\r\n`;
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  }

  #publish(channel: string, text: string): number {
    const readers = [...this.#subscribers].filter(([, { channels }]) => channels.includes(channel));
    for (const [writer, { mark }] of readers)
      writer.write(`${mark}3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${text.length}\r\n${text}\r\n`);
    return readers.length;
  }
}

/** Runs a body with a fake Redis. */
function faked(body: (redis: FakeRedis, address: Address & RedisOptions, server: Server) => Promise<void>) {
  return () =>
    run(async () => {
      const redis = new FakeRedis();
      const server = await startServer(redis.handle, '127.0.0.1', 0);
      await body(
        redis,
        { port: server.sockets[0]!.port, backoff: { first: 0.001, longest: 0.01, attempts: 5 } },
        server,
      );
      expect(await server.shutdown(5)).toEqual({ cut: 0 });
    });
}

async function decoded(bytes: string): Promise<Reply> {
  const reader = new StreamReader();
  // One byte at a time: nothing may depend on how a reply is cut.
  for (const byte of Buffer.from(bytes)) reader.feedData(Uint8Array.of(byte));
  reader.feedEof();
  const reply = await readReply(reader);
  expect(reader.atEof()).toBe(true);
  return reply;
}

describe('the client of Redis', () => {
  it('writes commands as lists of strings with their lengths in bytes', () => {
    expect(encode(['SET', 'straße', 5])).toBe('*3\r\n$3\r\nSET\r\n$7\r\nstraße\r\n$1\r\n5\r\n');
  });

  it('reads replies of all kinds, of both versions of the protocol', () =>
    run(async () => {
      const replies: readonly (readonly [string, Reply])[] = [
        ['+OK\r\n', 'OK'],
        [':-42\r\n', -42],
        ['$8\r\nstra\r\n\r\n\r\n', 'stra\r\n\r\n'],
        ['$0\r\n\r\n', ''],
        ['$-1\r\n', null],
        ['*-1\r\n', null],
        ['*0\r\n', []],
        ['*3\r\n:1\r\n*1\r\n+a\r\n_\r\n', [1, ['a'], null]],
        [',1.5\r\n', 1.5],
        [',-inf\r\n', Number.NEGATIVE_INFINITY],
        ['#t\r\n', true],
        ['#f\r\n', false],
        ['(123456789012345678901234567890\r\n', 123456789012345678901234567890n],
        ['=7\r\ntxt:abc\r\n', 'abc'],
        ['~2\r\n+a\r\n+b\r\n', ['a', 'b']],
        ['%1\r\n+a\r\n:1\r\n', new Map([['a', 1]])],
        ['>2\r\n+message\r\n+x\r\n', new Push(['message', 'x'])],
      ];
      for (const [bytes, reply] of replies) expect(await decoded(bytes)).toEqual(reply);
      const refused = await decoded('-WRONGTYPE no\r\n');
      expect(refused).toBeInstanceOf(RedisError);
      expect((refused as RedisError).code).toBe('WRONGTYPE');
      await expect(decoded('HTTP/1.1 400 Bad Request\r\n')).rejects.toThrow('this is not Redis');
    }));

  for (const protocol of [2, 3] as const) {
    it(
      `sends the commands of many tasks on one connection, and gives each its reply (RESP${protocol})`,
      faked(async (fake, address) => {
        await using redis = await Redis.connect({ ...address, protocol });
        const keys = Array.from({ length: 100 }, (_, number) => `key ${number}`);
        await gather(keys.map((key) => redis.send('SET', key, `of ${key}`)));
        expect(await gather(keys.map((key) => redis.send('GET', key)))).toEqual(keys.map((key) => `of ${key}`));
        expect(await redis.pipeline([['GET', 'key 1'], ['GET', 'none'], ['CONNECTIONS']])).toEqual([
          'of key 1',
          null,
          1,
        ]);
        expect(fake.commands[0]).toBe(protocol === 3 ? 'HELLO 3' : 'SET key 0 of key 0');
      }),
    );

    it(
      `gives the messages of channels, and subscribes again on a new connection (RESP${protocol})`,
      faked(async (fake, address) => {
        await using redis = await Redis.connect({ ...address, protocol });
        await using messages = await redis.subscribe('a', 'b');
        await redis.pipeline([
          ['PUBLISH', 'a', 'one'],
          ['PUBLISH', 'c', 'nobody hears it'],
          ['PUBLISH', 'b', 'two'],
        ]);
        const got: string[] = [];
        for await (const { channel, text } of messages) {
          got.push(`${channel} ${text}`);
          if (text === 'three') break;
          if (text !== 'two') continue;
          fake.cutSubscribers();
          while ((await redis.send('PUBLISH', 'a', 'three')) === 0) await sleep(0);
        }
        expect(got).toEqual(['a one', 'b two', 'a three']);
        expect(fake.commands.filter((command) => command === 'SUBSCRIBE a b').length).toBe(2);
      }),
    );
  }

  it(
    'reports a refused command, also among others',
    faked(async (_fake, address) => {
      await using redis = await Redis.connect(address);
      await expect(redis.send('FLY')).rejects.toThrow(RedisError);
      await expect(redis.pipeline([['SET', 'a', 1], ['FLY'], ['SET', 'b', 2]])).rejects.toThrow(
        "unknown command 'FLY'",
      );
      expect(await redis.send('GET', 'b')).toBe('2');
    }),
  );

  it(
    'fails what is under way when the connection is lost, and connects again once for all that come then',
    faked(async (_fake, address) => {
      await using redis = await Redis.connect(address);
      await redis.send('SET', 'a', 1);
      const lost = await gather([redis.send('DIE'), redis.send('GET', 'a')], { returnExceptions: true });
      expect(lost.map((error) => (error as Error).name)).toEqual(['ConnectionLost', 'ConnectionLost']);
      expect(await gather(redis.send('GET', 'a'), redis.send('GET', 'a'), redis.send('CONNECTIONS'))).toEqual([
        '1',
        '1',
        2,
      ]);
    }),
  );

  it(
    'gives up connecting after some attempts',
    faked(async (_fake, address, server) => {
      await using redis = await Redis.connect(address);
      await expect(redis.send('DIE')).rejects.toThrow('the connection to Redis has ended');
      await server.shutdown(5);
      await expect(redis.send('GET', 'a')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }),
  );

  it(
    'leaves the replies to others in order when a command is cancelled',
    faked(async (_fake, address) => {
      await using redis = await Redis.connect(address);
      await redis.pipeline([
        ['SET', 'a', 1],
        ['SET', 'b', 2],
      ]);
      const cancelled = createTask(() => redis.send('GET', 'a'));
      const next = createTask(() => redis.send('GET', 'b'));
      await sleep(0);
      cancelled.cancel();
      expect(await next).toBe('2');
      expect(cancelled.cancelled()).toBe(true);
    }),
  );

  it(
    'has a program that says what is wrong when it is refused something',
    faked(async (_fake, { port = 0 }) => {
      await using program = new ExampleProgram('redis/main.ts', '--port', String(port));
      expect(await program.ended()).toBe(1);
      expect(program.errors).toContain("RedisError: ERR unknown command 'DEL'");
    }),
  );
});
