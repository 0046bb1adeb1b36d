import { Buffer } from 'node:buffer';
import { createTask, Event, gather, run } from 'asyncio-ts';
import { type Server, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { Fields, int16, Messages, message } from '../../../examples/postgres/messages.ts';
import { type Address, Connection, Pool, PostgresError } from '../../../examples/postgres/postgres.ts';
import { Scram } from '../../../examples/postgres/scram.ts';
import { fromText, toText } from '../../../examples/postgres/values.ts';

/** The result of a handshake with a fixed nonce, computed by Python's hashlib and hmac. */
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const SERVER_FIRST = `r=${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const CLIENT_FINAL = `c=biws,r=${SERVER_NONCE},p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=`;
const SERVER_FINAL = 'v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg=';

const READY = (status = 'I') => message('Z', Buffer.from(status));
const DONE = (command: string) => message('C', command);
const FAILED = (code: string, text: string) =>
  message('E', Buffer.from(`SERROR\0C${code}\0M${text}\0P8\0n a_constraint\0\0`));

/** A table of one column of numbers. */
function numbers(name: string, values: readonly (number | null)[]): Uint8Array[] {
  const rows = values.map((value) => {
    const text = value === null ? null : Buffer.from(String(value));
    return text === null ? message('D', int16(1), -1) : message('D', int16(1), text.length, text);
  });
  return [message('T', int16(1), name, 0, int16(0), 23, int16(4), -1, int16(0)), ...rows];
}

/** A PostgreSQL that knows answers to some statements by heart. */
class FakePostgres {
  readonly log: string[] = [];
  /** Set when a statement that takes for ever has begun. */
  readonly sleeping = new Event();
  readonly #cancelled = new Event();
  /** How many requests to cancel come before the statement does, and are dropped. */
  early = 0;
  connections = 0;

  readonly handle = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    await using _ = writer;
    const length = new Fields(await reader.readexactly(4)).int32();
    const startup = new Fields(await reader.readexactly(length - 4));
    if (startup.int32() === 80_877_102) {
      this.log.push(`cancel ${startup.int32()} ${startup.int32()}`);
      if (this.early-- <= 0) this.#cancelled.set();
      return;
    }
    this.connections++;
    this.log.push(`start ${startup.string().split('\0').slice(0, 4).join(' ')}`);
    writer.write(message('R', 0));
    writer.write(message('S', 'server_version', '15'));
    writer.write(message('K', 7, 1_234));
    writer.write(READY());
    await this.#serve(new Messages(reader), writer);
  };

  async #serve(messages: Messages, writer: StreamWriter): Promise<void> {
    let status = 'I';
    for (;;) {
      const { type, body } = await messages.next();
      if (type === 'X') return;
      if (type === 'Q') status = await this.#answer(body.text(), writer, status);
      if (type === 'P') {
        body.text();
        status = await this.#answer(body.text(), writer, status, messages);
      }
      writer.write(READY(status));
    }
  }

  /** What comes between a statement and the end of its turn is noted as its parameters. */
  async #answer(sql: string, writer: StreamWriter, status: string, messages?: Messages): Promise<string> {
    const parameters = messages === undefined ? '' : ` ${await parametersOf(messages)}`;
    this.log.push(`${sql}${parameters}`);
    switch (sql) {
      case 'BEGIN':
        writer.write(DONE('BEGIN'));
        return 'T';
      case 'COMMIT':
      case 'ROLLBACK':
        writer.write(DONE(sql));
        return 'I';
      case 'fail':
        writer.write(FAILED('22012', 'division by zero'));
        return status === 'T' ? 'E' : status;
      case 'sleep':
        this.sleeping.set();
        await this.#cancelled.wait();
        writer.write(FAILED('57014', 'canceling statement due to user request'));
        return status === 'T' ? 'E' : status;
      case 'two':
        writer.writelines([...numbers('a', [1]), DONE('SELECT 1'), ...numbers('b', [2, null]), DONE('SELECT 2')]);
        return status;
      default:
        writer.writelines([...numbers('n', [40, 2]), message('N', Buffer.from('Mnotice\0\0')), DONE('SELECT 2')]);
        return status;
    }
  }
}

async function parametersOf(messages: Messages): Promise<string> {
  const values: (string | null)[] = [];
  for (;;) {
    const { type, body } = await messages.next();
    if (type === 'S') return JSON.stringify(values);
    if (type !== 'B') continue;
    body.string(4); // no names of portal and statement, no formats
    for (let left = body.int16(); left > 0; left--) {
      const length = body.int32();
      values.push(length === -1 ? null : body.string(length));
    }
  }
}

/** Runs a body with a fake PostgreSQL. */
function faked(body: (postgres: FakePostgres, address: Address, server: Server) => Promise<void>) {
  return () =>
    run(async () => {
      const postgres = new FakePostgres();
      const server = await startServer(postgres.handle, '127.0.0.1', 0);
      await body(postgres, { port: server.sockets[0]!.port, user: 'me', database: 'towns' }, server);
      expect(await server.shutdown(5)).toEqual({ cut: 0 });
    });
}

describe('the client of PostgreSQL', () => {
  it('proves that it knows the password, and checks that the server does', () => {
    const scram = new Scram('pencil', NONCE);
    expect(scram.first).toBe(`n,,n=,r=${NONCE}`);
    expect(scram.final(SERVER_FIRST)).toBe(CLIENT_FINAL);
    expect(() => scram.verify(SERVER_FINAL)).not.toThrow();
    expect(() => scram.verify(`v=${Buffer.alloc(32).toString('base64')}`)).toThrow('does not know the password');
    expect(() => new Scram('pencil', 'other').final(SERVER_FIRST)).toThrow('answered to somebody else');
  });

  it('makes text of values, and values of text', () => {
    const texts = [null, 'a', 1.5, 2n ** 60n, true, new Date(0), Uint8Array.of(0, 255), { a: [1] }].map(toText);
    expect(texts).toEqual([
      null,
      'a',
      '1.5',
      '1152921504606846976',
      'true',
      '1970-01-01T00:00:00.000Z',
      '\\x00ff',
      '{"a":[1]}',
    ]);
    const values = [fromText('t', 16), fromText('\\x00ff', 17), fromText('5', 20), fromText('1152921504606846976', 20)];
    expect(values).toEqual([true, Buffer.of(0, 255), 5, 2n ** 60n]);
    expect([fromText('1e400', 1700), fromText('{"a":[1]}', 3802)]).toEqual(['1e400', { a: [1] }]);
  });

  it(
    'sends statements with parameters, and statements alone',
    faked(async (fake, address) => {
      await using db = await Connection.open(address);
      const { rows, command } = await db.query('SELECT $1', 5, null, 'straße');
      expect([rows, command]).toEqual([[{ n: 40 }, { n: 2 }], 'SELECT 2']);
      expect(await db.execute('two')).toEqual([
        { rows: [{ a: 1 }], command: 'SELECT 1' },
        { rows: [{ b: 2 }, { b: null }], command: 'SELECT 2' },
      ]);
      expect(fake.log).toEqual(['start user me database towns', 'SELECT $1 ["5",null,"straße"]', 'two']);
    }),
  );

  it(
    'lets statements of several tasks take turns',
    faked(async (_fake, address) => {
      await using db = await Connection.open(address);
      const results = await gather(db.query('a'), db.execute('two'), db.query('b'));
      expect(results.map((result) => ('rows' in result ? 1 : result.length))).toEqual([1, 2, 1]);
    }),
  );

  it(
    'throws what the server refuses, with its code, and goes on',
    faked(async (_fake, address) => {
      await using db = await Connection.open(address);
      for (const refused of [() => db.query('fail'), () => db.execute('fail')]) {
        const error = await refused().catch((error: unknown) => error);
        expect(error).toBeInstanceOf(PostgresError);
        expect(error).toMatchObject({ message: 'division by zero', code: '22012', position: 8 });
      }
      expect((await db.query('fine')).rows.length).toBe(2);
    }),
  );

  it(
    'ends transactions as their bodies end',
    faked(async (fake, address) => {
      await using db = await Connection.open(address);
      expect(await db.transaction(async () => (await db.query('a')).command)).toBe('SELECT 2');
      const failing = db.transaction(async () => {
        await db.query('fail');
      });
      await expect(failing).rejects.toThrow('division by zero');
      expect(db.isInTransaction).toBe(false);
      expect(fake.log.slice(1)).toEqual(['BEGIN', 'a []', 'COMMIT', 'BEGIN', 'fail []', 'ROLLBACK']);
    }),
  );

  it(
    'cancels in the server what is cancelled here, and goes on with the connection',
    faked(async (fake, address) => {
      await using db = await Connection.open(address);
      const task = createTask(() => db.transaction(() => db.query('sleep')));
      await fake.sleeping.wait();
      expect(db.isReady).toBe(false);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toMatchObject({ name: 'CancelledError' });
      expect(fake.log.slice(1)).toEqual(['BEGIN', 'sleep []', 'cancel 7 1234', 'ROLLBACK']);
      expect([(await db.query('fine')).rows.length, db.isInTransaction]).toEqual([2, false]);
    }),
  );

  it(
    'asks again when the server has dropped the request, which came before the statement',
    faked(async (fake, address) => {
      await using db = await Connection.open(address);
      fake.early = 2;
      const task = createTask(() => db.query('sleep'));
      await fake.sleeping.wait();
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toMatchObject({ name: 'CancelledError' });
      expect(fake.log.slice(1)).toEqual(['sleep []', ...Array(3).fill('cancel 7 1234')]);
      expect((await db.query('fine')).rows.length).toBe(2);
    }),
  );

  it(
    'closes a connection whose server cannot be asked to cancel',
    faked(async (fake, address, server) => {
      const db = await Connection.open(address);
      const task = createTask(() => db.query('sleep'));
      await fake.sleeping.wait();
      server.close(); // no new connection, so no cancelling
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toMatchObject({ name: 'CancelledError' });
      await expect(db.query('more')).rejects.toThrow('the connection is closed');
      server.abortClients();
    }),
  );

  it(
    'shares a few connections among many tasks, and rolls back what is left open',
    faked(async (fake, address) => {
      await using pool = new Pool(address, 3);
      await gather(Array.from({ length: 20 }, () => pool.query('a')));
      expect(fake.connections).toBe(3);
      await pool.use(async (db) => await db.execute('BEGIN'));
      expect(fake.log.at(-1)).toBe('ROLLBACK');
      await expect(pool.transaction((db) => db.query('fail'))).rejects.toThrow(PostgresError);
      expect((await pool.query('a')).rows.length).toBe(2);
      expect(fake.connections).toBe(3);
    }),
  );

  it('closes the connection when it is refused at the beginning', () =>
    run(async () => {
      const refuse = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        await using _ = writer;
        await reader.read(1_000);
        writer.write(FAILED('28P01', 'password authentication failed'));
        expect((await reader.read()).length).toBe(0);
      };
      const server = await startServer(refuse, '127.0.0.1', 0);
      const opening = Connection.open({ port: server.sockets[0]!.port, user: 'me', password: 'wrong' });
      await expect(opening).rejects.toMatchObject({ name: 'PostgresError', code: '28P01' });
      expect(await server.shutdown(5)).toEqual({ cut: 0 });
    }));
});
