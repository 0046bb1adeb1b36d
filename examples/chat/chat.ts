// A chat with rooms, for any client that sends lines: nc, telnet, or client.ts.

import { createTask, TimeoutError, timeout, ValueError, wait } from 'asyncio-ts';
import { ConnectionError, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { Member } from './member.ts';

export interface ChatOptions {
  /** How long a member may be silent, in seconds. */
  readonly idle: number;
  /** Called with a line about each member that comes or goes. */
  log(line: string): void;
}

/** The room in which every member begins. */
const LOBBY = 'lobby';
/** The longest line, in bytes. */
export const LONGEST_LINE = 4_096;

const HELP = [
  '*** /join ROOM   go to another room',
  '*** /rooms       the rooms, and how many are there',
  '*** /who         who is in this room',
  '*** /nick NAME   take another name',
  '*** /quit        leave',
];

const decoder = new TextDecoder();

export class Chat {
  readonly #members = new Map<string, Member>();
  /** The connections whose members have not given their names yet. */
  readonly #strangers = new Set<StreamWriter>();
  readonly #options: ChatOptions;
  #closing: string | null = null;

  constructor(options: ChatOptions) {
    this.#options = options;
  }

  /** Serves a connection: what `startServer` calls. */
  readonly handle = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    await using _ = writer;
    try {
      const member = await this.#enter(reader, writer);
      if (member === null) return;
      const sending = createTask(() => member.send(), { name: `send to ${member.name}` });
      let reason = 'is gone';
      try {
        reason = await this.#listen(reader, member);
      } finally {
        this.#leave(member, reason);
        await wait([sending]);
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  };

  /** Asks all members to leave. */
  close(farewell: string): void {
    this.#closing = farewell;
    for (const member of this.#members.values()) member.dismiss(farewell);
    for (const writer of this.#strangers) {
      writer.write(`${farewell}\n`);
      writer.close();
    }
  }

  async #enter(reader: StreamReader, writer: StreamWriter): Promise<Member | null> {
    this.#strangers.add(writer);
    try {
      return await this.#ask(reader, writer);
    } finally {
      this.#strangers.delete(writer);
    }
  }

  /** Asks for a name until a valid one is given. */
  async #ask(reader: StreamReader, writer: StreamWriter): Promise<Member | null> {
    for (let problem = ''; ; ) {
      writer.write(`*** ${problem}What is your name?\n`);
      const name = await this.#line(reader);
      if (name === null || this.#closing !== null) return null;
      problem = this.#problemOf(name);
      if (problem !== '') continue;
      const member = new Member(name, LOBBY, writer);
      this.#members.set(name, member);
      member.tell(`*** Welcome to the ${LOBBY}, ${name}. /help says what you can do here.`);
      this.#announce(member, `${name} is here`);
      return member;
    }
  }

  #problemOf(name: string): string {
    if (!/^[\p{L}\p{N}_-]{1,20}$/u.test(name)) return 'A name has 1 to 20 letters, digits, - and _. ';
    return this.#members.has(name) ? `There is a ${name} already. ` : '';
  }

  /** The next line, `null` at the end of the connection or when none has come for too long. */
  async #line(reader: StreamReader): Promise<string | null> {
    try {
      const line = await timeout(this.#options.idle, () => reader.readline());
      return line.length === 0 ? null : decoder.decode(line).trim();
    } catch (error) {
      if (error instanceof ValueError) return ''; // too long
      if (error instanceof TimeoutError) return null;
      throw error;
    }
  }

  /** Handles a member's lines until the member leaves; returns the reason for leaving. */
  async #listen(reader: StreamReader, member: Member): Promise<string> {
    for (;;) {
      const line = await this.#line(reader);
      if (member.isGone) return '';
      if (line === null) return reader.atEof() ? 'is gone' : `has said nothing for ${this.#options.idle} seconds`;
      if (line === '/quit') return 'has left';
      if (line.startsWith('/')) this.#obey(member, line);
      else if (line !== '') this.#say(member, `${member.name}: ${line}`);
    }
  }

  #obey(member: Member, line: string): void {
    const [command, argument = ''] = line.split(/\s+/);
    if (command === '/who') this.#tell(member, `*** in ${member.room}: ${this.#names(member.room).join(' ')}`);
    else if (command === '/rooms') this.#tell(member, `*** ${this.#rooms().join(' ')}`);
    else if (command === '/join') this.#move(member, argument);
    else if (command === '/nick') this.#rename(member, argument);
    else for (const help of HELP) this.#tell(member, help);
  }

  #names(room: string): string[] {
    return [...this.#members.values()].filter((member) => member.room === room).map(({ name }) => name);
  }

  #rooms(): string[] {
    const rooms = new Set([...this.#members.values()].map(({ room }) => room));
    return [...rooms].map((room) => `${room}(${this.#names(room).length})`);
  }

  #move(member: Member, room: string): void {
    if (!/^[\p{L}\p{N}_-]{1,20}$/u.test(room)) {
      this.#tell(member, '*** /join ROOM: a room has a name of 1 to 20 letters, digits, - and _');
      return;
    }
    this.#announce(member, `${member.name} has gone to ${room}`);
    member.room = room;
    this.#tell(member, `*** You are in ${room} now, with ${this.#names(room).length - 1} others.`);
    this.#announce(member, `${member.name} is here`);
  }

  #rename(member: Member, name: string): void {
    const problem = this.#problemOf(name);
    if (problem !== '') {
      this.#tell(member, `*** ${problem.trim()}`);
      return;
    }
    this.#members.delete(member.name);
    this.#announce(member, `${member.name} is called ${name} now`);
    member.name = name;
    this.#members.set(name, member);
    this.#tell(member, `*** You are ${name} now.`);
  }

  #leave(member: Member, reason: string): void {
    if (this.#members.get(member.name) !== member) return;
    this.#members.delete(member.name);
    member.dismiss(reason === 'is gone' ? '' : `*** Good bye: ${member.name} ${reason}.`);
    if (this.#closing === null) this.#announce(member, `${member.name} ${reason}`);
  }

  /** Announces an event of a member in the room, and in the log. */
  #announce(member: Member, what: string): void {
    this.#options.log(`${member.room}: ${what}`);
    this.#say(member, `*** ${what}`);
  }

  /** Sends a line to the others in the room. */
  #say(speaker: Member, line: string): void {
    for (const member of this.#members.values())
      if (member !== speaker && member.room === speaker.room) this.#tell(member, line);
  }

  /** A member who does not read has to leave, so that nobody waits for this connection. */
  #tell(member: Member, line: string): void {
    if (!member.tell(line)) this.#leave(member, 'reads too slowly');
  }
}
