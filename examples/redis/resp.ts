// RESP, the protocol of Redis, in both of its versions: https://redis.io/docs/latest/develop/reference/protocol-spec/

import type { StreamReader } from 'asyncio-ts/node';

/** The reply to a command. Strings are decoded as UTF-8. */
export type Reply = string | number | bigint | boolean | null | RedisError | Push | Reply[] | Map<Reply, Reply>;

/** Redis has refused a command. Inside of a reply with several parts it is a value. */
export class RedisError extends Error {
  /** The first word of the message, such as `WRONGTYPE`. */
  readonly code: string;

  constructor(message: string) {
    super(message);
    this.code = message.split(' ', 1)[0]!;
  }

  override get name(): string {
    return 'RedisError';
  }
}

/** What Redis sends without having been asked, such as a message of a channel. */
export class Push {
  readonly items: readonly Reply[];

  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

const decoder = new TextDecoder();

/** A command as it is sent: a list of strings with their lengths in bytes. */
export function encode(command: readonly (string | number)[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

/** The next reply. */
export async function readReply(reader: StreamReader): Promise<Reply> {
  const line = decoder.decode(await reader.readuntil('\r\n')).slice(0, -2);
  const rest = line.slice(1);
  switch (line[0]) {
    case '+':
      return rest;
    case '-':
      return new RedisError(rest);
    case ':':
      return Number(rest);
    case ',':
      return Number(rest.replace('inf', 'Infinity'));
    case '(':
      return BigInt(rest);
    case '#':
      return rest === 't';
    case '_':
      return null;
    case '$':
      return await readText(reader, Number(rest));
    case '=': // begins with its kind, as in `txt:`
      return (await readText(reader, Number(rest)))?.slice(4) ?? null;
    case '!':
      return new RedisError((await readText(reader, Number(rest))) ?? '');
    case '*':
    case '~':
      return rest === '-1' ? null : await readReplies(reader, Number(rest));
    case '>':
      return new Push(await readReplies(reader, Number(rest)));
    case '%': {
      const flat = await readReplies(reader, 2 * Number(rest));
      return new Map(flat.flatMap((key, index) => (index % 2 === 0 ? [[key, flat[index + 1]!]] : [])));
    }
    default:
      throw new Error(`this is not Redis: it says ${JSON.stringify(line)}`);
  }
}

async function readText(reader: StreamReader, length: number): Promise<string | null> {
  if (length === -1) return null;
  return decoder.decode((await reader.readexactly(length + 2)).subarray(0, -2));
}

async function readReplies(reader: StreamReader, count: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  while (replies.length < count) replies.push(await readReply(reader));
  return replies;
}
