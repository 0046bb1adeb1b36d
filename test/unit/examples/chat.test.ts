import { gather, run } from 'asyncio-ts';
import { openConnection, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { ExampleProgram } from '../../support/example-program.ts';

/** Somebody in the chat. */
class Guest implements AsyncDisposable {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;

  private constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** @param limit how much is kept of what is not read */
  static async connect(port: number, limit = 65_536): Promise<Guest> {
    const [reader, writer] = await openConnection('127.0.0.1', port, { limit });
    return new Guest(reader, writer);
  }

  static async enter(port: number, name: string, limit = 65_536): Promise<Guest> {
    const guest = await Guest.connect(port, limit);
    guest.say(name);
    await guest.hear(`*** Welcome to the lobby, ${name}. /help says what you can do here.`);
    return guest;
  }

  say(line: string): void {
    this.#writer.write(`${line}\n`);
  }

  /** Reads up to a line; gives what came before it. */
  async hear(wanted: string): Promise<string[]> {
    const before: string[] = [];
    for await (const line of this.#reader.lines()) {
      if (line === wanted) return before;
      before.push(line);
    }
    throw new Error(`'${wanted}' was not said, but ${JSON.stringify(before)}`);
  }

  /** Reads up to the end. */
  async hearAll(): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of this.#reader.lines()) lines.push(line);
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close();
    await this.#writer.waitClosed();
  }
}

/** Runs a body with a chat server that is interrupted after it. */
function chatting(args: readonly string[], body: (port: number, server: ExampleProgram) => Promise<void>) {
  return () =>
    run(async () => {
      await using server = new ExampleProgram('chat/main.ts', '--port', '0', ...args);
      await body(await server.port(), server);
      server.interrupt();
      expect([await server.ended(), server.errors]).toEqual([130, '']);
      expect(server.lines.at(-1)).toBe('connections cut: 0');
    });
}

describe('the chat', { timeout: 30_000 }, () => {
  it(
    'sends a message only to the others in the room',
    chatting([], async (port) => {
      const ann = await Guest.enter(port, 'ann');
      const bob = await Guest.enter(port, 'bob');
      const eve = await Guest.enter(port, 'eve');
      await ann.hear('*** eve is here');
      eve.say('/join red');
      await eve.hear('*** You are in red now, with 0 others.');
      ann.say('hello');
      expect(await bob.hear('ann: hello')).toEqual(['*** eve is here', '*** eve has gone to red']);
      ann.say('/who');
      expect(await ann.hear('*** in lobby: ann bob')).toEqual(['*** eve has gone to red']);
      ann.say('/join red');
      ann.say('and you');
      expect(await eve.hear('ann: and you')).toEqual(['*** ann is here']);
      ann.say('/rooms');
      await ann.hear('*** red(2) lobby(1)');
      ann.say('/nick bob');
      await ann.hear('*** There is a bob already.');
      ann.say('/nick anna');
      await eve.hear('*** ann is called anna now');
      ann.say('/quit');
      await eve.hear('*** anna has left');
      expect(await ann.hearAll()).toEqual(['*** You are anna now.', '*** Good bye: anna has left.']);
    }),
  );

  it(
    'asks for another name when one is taken or no name, or too long',
    chatting([], async (port) => {
      await Guest.enter(port, 'ann');
      const second = await Guest.connect(port);
      for (const name of ['ann', 'a b', 'x'.repeat(10_000), 'anton']) second.say(name);
      const problem = 'A name has 1 to 20 letters, digits, - and _. What is your name?';
      expect(await second.hear('*** Welcome to the lobby, anton. /help says what you can do here.')).toEqual([
        '*** What is your name?',
        '*** There is a ann already. What is your name?',
        ...[`*** ${problem}`, `*** ${problem}`],
      ]);
    }),
  );

  it(
    'disconnects one of dozens of clients that does not read, says why, and does not delay the others',
    chatting([], async (port, server) => {
      const speaker = await Guest.enter(port, 'speaker');
      const guests = await gather(Array.from({ length: 24 }, (_, number) => Guest.enter(port, `guest${number}`)));
      const slow = await Guest.enter(port, 'slow', 1_024);
      const line = 'x'.repeat(4_000);
      const isDropped = () => server.lines.includes('lobby: slow reads too slowly');
      const told = new Set<Guest>();
      // No other member is ever behind by more than a round, which is less than is kept for each.
      for (let round = 0; !isDropped(); round++) {
        for (let number = 0; number < 50; number++) speaker.say(line);
        speaker.say(`round ${round}`);
        const heard = await gather(guests.map((guest) => guest.hear(`speaker: round ${round}`)));
        for (const [index, lines] of heard.entries()) {
          expect(lines.filter((text) => text === `speaker: ${line}`).length).toBe(50);
          if (lines.includes('*** slow reads too slowly')) told.add(guests[index]!);
        }
      }
      await speaker.hear('*** slow reads too slowly');
      guests[0]!.say('still here');
      const rest = await gather(guests.slice(1).map((guest) => guest.hear('guest0: still here')));
      for (const [index, lines] of rest.entries())
        if (lines.includes('*** slow reads too slowly')) told.add(guests[index + 1]!);
      expect(guests.slice(1).every((guest) => told.has(guest))).toBe(true);
      await slow[Symbol.asyncDispose]();
    }),
  );

  it(
    'disconnects a client that sends nothing for too long',
    chatting(['--idle', '0.3'], async (port) => {
      const ann = await Guest.enter(port, 'ann');
      expect(await ann.hearAll()).toEqual(['*** Good bye: ann has said nothing for 0.3 seconds.']);
      const stranger = await Guest.connect(port);
      expect(await stranger.hearAll()).toEqual(['*** What is your name?']);
    }),
  );

  it(
    'keeps running when a client disappears without a message',
    chatting([], async (port) => {
      const ann = await Guest.enter(port, 'ann');
      const bob = await Guest.enter(port, 'bob');
      await bob[Symbol.asyncDispose]();
      expect(await ann.hear('*** bob is gone')).toEqual(['*** bob is here']);
    }),
  );

  it('informs all clients when it is interrupted, also those that have not sent a name', () =>
    run(async () => {
      await using server = new ExampleProgram('chat/main.ts', '--port', '0');
      const port = await server.port();
      const guests = await gather(Array.from({ length: 20 }, (_, number) => Guest.enter(port, `guest${number}`)));
      const stranger = await Guest.connect(port);
      await stranger.hear('*** What is your name?');
      server.interrupt();
      for (const guest of [...guests, stranger])
        expect((await guest.hearAll()).at(-1)).toBe('*** The server is shut down. Good bye.');
      expect([await server.ended(), server.errors]).toEqual([130, '']);
      expect(server.lines.at(-1)).toBe('connections cut: 0');
    }));

  it(
    'has a client that sends what is typed and shows what is received',
    chatting([], async (port) => {
      const ann = await Guest.enter(port, 'ann');
      await using client = new ExampleProgram('chat/client.ts', '--port', String(port));
      client.type('bob\nhello from bob\n');
      await ann.hear('bob: hello from bob');
      ann.say('hello bob');
      await client.line(/^ann: hello bob$/);
      client.endInput();
      await ann.hear('*** bob is gone');
      expect([await client.ended(), client.errors]).toEqual([0, '']);
    }),
  );
});
