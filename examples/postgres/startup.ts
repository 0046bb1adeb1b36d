// The beginning of a connection: encryption if it is wanted, the names of user and database, and the password.

import { openConnection, type SslContext, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { type Fields, Messages, message } from './messages.ts';
import { PostgresError } from './postgres-error.ts';
import { Scram } from './scram.ts';

/** The address of PostgreSQL, and the user and database. */
export interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly user: string;
  readonly password?: string;
  /** The name of the user when absent. */
  readonly database?: string;
  /** Encrypts the connection; connecting fails if the server does not support it. */
  readonly ssl?: boolean | SslContext;
}

/** What the server needs to know in order to cancel a query. */
export interface Secret {
  readonly pid: number;
  readonly key: number;
}

export interface Started {
  readonly messages: Messages;
  readonly writer: StreamWriter;
  readonly secret: Secret;
}

/** Sent instead of a version, to ask for encryption or for the end of a query. */
const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;
const VERSION = 0x3_0000;

export async function start(address: Address): Promise<Started> {
  const { user, database = user } = address;
  const [reader, writer] = await open(address);
  try {
    await encrypt(reader, writer, address);
    writer.write(message('', VERSION, 'user', user, 'database', database, 'client_encoding', 'UTF8', Uint8Array.of(0)));
    const messages = new Messages(reader);
    await authenticate(messages, writer, address);
    return { messages, writer, secret: await untilReady(messages) };
  } catch (error) {
    writer.close();
    throw error;
  }
}

function open({ host = '127.0.0.1', port = 5432 }: Address) {
  return openConnection(host, port);
}

async function encrypt(reader: StreamReader, writer: StreamWriter, { ssl = false }: Address): Promise<void> {
  if (ssl === false) return;
  writer.write(message('', SSL_REQUEST));
  const [answer] = await reader.readexactly(1);
  if (answer !== 'S'.charCodeAt(0)) throw new Error('the server does not encrypt');
  await writer.startTls(ssl);
}

/** Answers the server's requests for authentication, whose kind is a number in the message. */
async function authenticate(messages: Messages, writer: StreamWriter, { password = '' }: Address): Promise<void> {
  const scram = new Scram(password);
  for (;;) {
    const body = await expect(messages, 'R');
    const kind = body.int32();
    if (kind === 0) return;
    if (kind === 3) writer.write(message('p', password));
    else if (kind === 10) writer.write(message('p', 'SCRAM-SHA-256', ...sized(scram.first)));
    else if (kind === 11) writer.write(message('p', Buffer.from(scram.final(body.string()))));
    else if (kind === 12) scram.verify(body.string());
    else throw new Error(`the server asks for a password in way ${kind}, which this client does not know`);
  }
}

function sized(text: string): [number, Uint8Array] {
  const bytes = Buffer.from(text);
  return [bytes.length, bytes];
}

async function untilReady(messages: Messages): Promise<Secret> {
  let secret: Secret = { pid: 0, key: 0 };
  for (;;) {
    const { type, body } = await messages.next();
    if (type === 'Z') return secret;
    if (type === 'K') secret = { pid: body.int32(), key: body.int32() };
    else if (type === 'E') throw PostgresError.of(body);
  }
}

async function expect(messages: Messages, wanted: string): Promise<Fields> {
  const { type, body } = await messages.next();
  if (type === 'E') throw PostgresError.of(body);
  if (type !== wanted) throw new Error(`the server sends ${type} where ${wanted} was expected`);
  return body;
}

/** Asks the server, on a connection of its own, to end what another one does. It may come too late. */
export async function requestCancel(address: Address, { pid, key }: Secret): Promise<void> {
  const [reader, writer] = await open(address);
  await using _ = writer;
  writer.write(message('', CANCEL_REQUEST, pid, key));
  await reader.read(); // it answers by ending the connection
}
