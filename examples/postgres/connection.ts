// A connection to PostgreSQL: one statement after the other. A statement whose task is cancelled is cancelled in the server too.

import { Buffer } from 'node:buffer';
import { CancelledError, createTask, Lock, wait } from 'asyncio-ts';
import type { StreamWriter } from 'asyncio-ts/node';
import { type Field, type Fields, int16, type Messages, message } from './messages.ts';
import { PostgresError } from './postgres-error.ts';
import { type Address, requestCancel, type Secret, type Started, start } from './startup.ts';
import { fromText, toText, type Value } from './values.ts';

export type Row = Readonly<Record<string, Value>>;

/** How long to wait for the end of a statement before it is cancelled again, in seconds. */
const PATIENCE = 0.05;

/** The result of a statement. */
export interface Result {
  readonly rows: readonly Row[];
  /** What was done, such as `INSERT 0 1`. */
  readonly command: string;
}

interface Column {
  readonly name: string;
  readonly type: number;
}

export class Connection implements AsyncDisposable {
  readonly #address: Address;
  readonly #messages: Messages;
  readonly #writer: StreamWriter;
  readonly #secret: Secret;
  readonly #turn = new Lock();
  /** `I` outside of transactions, `T` within one, `E` within one that has failed, `?` while a statement runs, and for ever if the statement has left the connection in the middle of an answer. */
  #status = 'I';

  private constructor(address: Address, { messages, writer, secret }: Started) {
    this.#address = address;
    this.#messages = messages;
    this.#writer = writer;
    this.#secret = secret;
  }

  /**
   * @throws {PostgresError} when the server refuses: `28P01` for a wrong password, `3D000` for an unknown database
   */
  static async open(address: Address): Promise<Connection> {
    return new Connection(address, await start(address));
  }

  /** Whether a statement can be run at once. */
  get isReady(): boolean {
    return this.#status !== '?';
  }

  get isInTransaction(): boolean {
    return this.#status === 'T' || this.#status === 'E';
  }

  /** Runs a statement, with `$1`, `$2` and so on for its parameters. */
  async query(sql: string, ...parameters: readonly Value[]): Promise<Result> {
    const values = parameters.map(toText).flatMap((text): Field[] => {
      const bytes = text === null ? null : Buffer.from(text);
      return bytes === null ? [-1] : [bytes.length, bytes];
    });
    const results = await this.#run([
      message('P', '', sql, int16(0)),
      message('B', '', '', int16(0), int16(parameters.length), ...values, int16(0)),
      message('D', Buffer.from('P\0')),
      message('E', '', 0),
      message('S'),
    ]);
    return results[0] ?? { rows: [], command: '' };
  }

  /** Runs statements with semicolons between them. */
  async execute(sql: string): Promise<Result[]> {
    return await this.#run([message('Q', sql)]);
  }

  /** Runs a body in a transaction: commits it if the body returns, and rolls it back if the body throws. */
  async transaction<T>(body: (connection: Connection) => Promise<T>): Promise<T> {
    await this.execute('BEGIN');
    try {
      const value = await body(this);
      await this.execute('COMMIT');
      return value;
    } catch (error) {
      if (this.isReady) await this.execute('ROLLBACK');
      throw error;
    }
  }

  async #run(request: readonly Uint8Array[]): Promise<Result[]> {
    using _ = await this.#turn.acquire();
    if (!this.isReady) throw new Error('the connection is closed');
    this.#status = '?';
    this.#writer.writelines(request);
    try {
      return await this.#receive();
    } catch (error) {
      if (error instanceof CancelledError) await this.#giveUp();
      throw error;
    } finally {
      if (!this.isReady) this.#writer.close();
    }
  }

  /** The statement was cancelled. Its result must still be read before the next statement. */
  async #giveUp(): Promise<void> {
    const answer = createTask(() => this.#receive());
    try {
      do {
        await requestCancel(this.#address, this.#secret);
        // The server drops a request that comes before the statement does, which travels on another connection.
        await wait([answer], { timeout: PATIENCE });
      } while (!answer.done());
      await answer;
    } catch (error) {
      // This is either the server's error for a cancelled statement, or the connection is not ready and will be closed.
      answer.cancel();
      if (error instanceof CancelledError) throw error;
    }
  }

  /** Reads the answer, up to the message that the server is ready again. */
  async #receive(): Promise<Result[]> {
    const results: Result[] = [];
    let columns: readonly Column[] = [];
    let rows: Row[] = [];
    let error: PostgresError | null = null;
    await this.#writer.drain();
    for (;;) {
      const { type, body } = await this.#messages.next();
      switch (type) {
        case 'T':
          columns = readColumns(body);
          break;
        case 'D':
          rows.push(readRow(body, columns));
          break;
        case 'C':
          results.push({ rows, command: body.text() });
          rows = [];
          break;
        case 'E':
          error = PostgresError.of(body);
          break;
        case 'G':
          this.#writer.write(message('f', 'this client does not copy'));
          break;
        case 'Z':
          this.#status = body.string(1);
          if (error !== null) throw error;
          return results;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isReady) this.#writer.write(message('X'));
    this.#status = '?';
    this.#writer.close();
    await this.#writer.waitClosed();
  }
}

function readColumns(body: Fields): Column[] {
  return Array.from({ length: body.int16() }, () => {
    const name = body.text();
    body.string(6); // the table, and the column's number there
    const type = body.int32();
    body.string(8); // the size, the modifier and the format
    return { name, type };
  });
}

function readRow(body: Fields, columns: readonly Column[]): Row {
  const values = Array.from({ length: body.int16() }, (_, index): [string, Value] => {
    const { name, type } = columns[index]!;
    const length = body.int32();
    return [name, length === -1 ? null : fromText(body.string(length), type)];
  });
  return Object.fromEntries(values);
}
