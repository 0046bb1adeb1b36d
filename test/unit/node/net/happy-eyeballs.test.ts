import {
  type AwaitableCoroutine,
  CancelledError,
  coroutine,
  createTask,
  ExceptionGroup,
  getRunningLoop,
  sleep,
} from 'asyncio-ts';
import { ConnectionRefusedError, OSError } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { firstToConnect, interleaved } from '../../../../src/node/net/happy-eyeballs.ts';
import { failure, program } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

const address = (name: string) => ({ name, family: name.startsWith('four') ? 4 : 6 });
const order = (names: string[], turns: number) => interleaved(names.map(address), turns).map(({ name }) => name);

describe('the order of addresses', () => {
  it('lets versions take turns, each in its order', () => {
    expect(order(['six1', 'six2', 'six3', 'four1', 'four2'], 1)).toEqual(['six1', 'four1', 'six2', 'four2', 'six3']);
    expect(order(['four1', 'four2', 'six1', 'six2', 'six3'], 1)).toEqual(['four1', 'six1', 'four2', 'six2', 'six3']);
  });

  it('begins with the given number of the first version', () => {
    expect(order(['six1', 'six2', 'six3', 'four1', 'four2'], 2)).toEqual(['six1', 'six2', 'four1', 'six3', 'four2']);
    expect(order(['six1', 'six2', 'six3', 'four1', 'four2'], 9)).toEqual(['six1', 'six2', 'six3', 'four1', 'four2']);
    expect(order(['six1', 'six2', 'four1'], 0)).toEqual(['six1', 'four1', 'six2']);
  });

  it('does not change for one version, or for no addresses', () => {
    expect(order(['six1', 'six2'], 1)).toEqual(['six1', 'six2']);
    expect(order([], 1)).toEqual([]);
  });
});

/** A host's address, as far as the race knows it: when it answers, and with what. */
interface Answer {
  readonly name: string;
  /** After how many seconds; never when absent. */
  readonly after?: number;
  /** What it fails with; it is connected to when absent. */
  readonly error?: unknown;
  /** How many seconds it takes to end after it has failed or was cancelled. */
  readonly cleanUp?: number;
}

interface FakeSocket {
  readonly name: string;
  isOpen: boolean;
  destroy(): void;
}

/** Runs races, and notes what happened when. */
class Race {
  readonly log: string[] = [];
  readonly sockets: FakeSocket[] = [];
  onConnect: () => void = () => {};
  readonly #s: Spelling;
  readonly #start = getRunningLoop().time();

  constructor(s: Spelling) {
    this.#s = s;
  }

  note(what: string): void {
    this.log.push(`${Math.round((getRunningLoop().time() - this.#start) * 1_000) / 1_000} ${what}`);
  }

  #connect(name: string): FakeSocket {
    const socket = {
      name,
      isOpen: true,
      destroy: () => {
        socket.isOpen = false;
      },
    };
    this.sockets.push(socket);
    this.note(`${name} connected`);
    this.onConnect();
    return socket;
  }

  run(answers: readonly Answer[], delay: number | null, allErrors = false): AwaitableCoroutine<FakeSocket> {
    const connect = this.#connect.bind(this);
    const s = this.#s;
    const noteHere = this.note.bind(this);
    const attempt = coroutine(
      s.fn(function* (
        _loop: unknown,
        { name, after, error, cleanUp }: Answer,
      ): Generator<unknown, FakeSocket, unknown> {
        noteHere(`${name} begun`);
        try {
          if (after === undefined) yield* s.wait(getRunningLoop().createFuture<void>());
          else if (after > 0) yield* s.wait(sleep(after));
          if (error !== undefined) throw error;
          return connect(name);
        } catch (problem) {
          noteHere(`${name} ${problem instanceof CancelledError ? 'cancelled' : 'failed'}`);
          if (cleanUp !== undefined) yield* s.wait(sleep(cleanUp));
          throw problem;
        }
      }),
    );
    const loop = getRunningLoop();
    const race = coroutine(function* (): Generator<unknown, FakeSocket, unknown> {
      return yield* firstToConnect<Answer, FakeSocket>(loop, answers, { attempt, delay, allErrors });
    });
    return race();
  }

  get open(): string[] {
    return this.sockets.filter(({ isOpen }) => isOpen).map(({ name }) => name);
  }
}

const refused = (name: string) =>
  new ConnectionRefusedError(`connect to ${name}: connect ECONNREFUSED`, { code: 'ECONNREFUSED' });

describeBoth('the race for a connection', (s) => {
  it(
    'begins with the next address after the delay, and gives up the others when one is there',
    program(s, function* () {
      const race = new Race(s);
      const winner = yield* s.wait(
        race.run([{ name: 'a' }, { name: 'b' }, { name: 'c', after: 0.1 }, { name: 'd', after: 0 }], 0.25),
      );
      expect(winner.name).toBe('c');
      expect(race.log).toEqual([
        '0 a begun',
        '0.25 b begun',
        '0.5 c begun',
        '0.6 c connected',
        '0.6 a cancelled',
        '0.6 b cancelled',
      ]);
      expect(race.open).toEqual(['c']);
    }),
  );

  it(
    'begins with the next one at once when one fails',
    program(s, function* () {
      const race = new Race(s);
      const answers = [
        { name: 'a', after: 0.1, error: refused('a') },
        { name: 'b', after: 0.2 },
      ];
      expect((yield* s.wait(race.run(answers, 10))).name).toBe('b');
      expect(race.log).toEqual(['0 a begun', '0.1 a failed', '0.1 b begun', '0.3 b connected']);
    }),
  );

  it(
    'counts the delay from the last attempt that was begun',
    program(s, function* () {
      const race = new Race(s);
      const answers = [{ name: 'a', after: 0.1, error: refused('a') }, { name: 'b' }, { name: 'c', after: 0.1 }];
      yield* s.wait(race.run(answers, 1));
      expect(race.log).toEqual([
        '0 a begun',
        '0.1 a failed',
        '0.1 b begun',
        '1.1 c begun',
        '1.2 c connected',
        '1.2 b cancelled',
      ]);
    }),
  );

  it(
    'may be won by an earlier attempt after a later one began',
    program(s, function* () {
      const race = new Race(s);
      const answers = [{ name: 'a', after: 0.4 }, { name: 'b' }];
      expect((yield* s.wait(race.run(answers, 0.25))).name).toBe('a');
      expect(race.log).toEqual(['0 a begun', '0.25 b begun', '0.4 a connected', '0.4 b cancelled']);
    }),
  );

  it(
    'tries one after the other without a delay',
    program(s, function* () {
      const race = new Race(s);
      const answers = [
        { name: 'a', after: 5, error: refused('a') },
        { name: 'b', after: 5 },
        { name: 'c', after: 0 },
      ];
      expect((yield* s.wait(race.run(answers, null))).name).toBe('b');
      expect(race.log).toEqual(['0 a begun', '5 a failed', '5 b begun', '10 b connected']);
    }),
  );

  it(
    'closes the second of two that connect at once',
    program(s, function* () {
      const race = new Race(s);
      const winner = yield* s.wait(
        race.run(
          [
            { name: 'a', after: 0.5 },
            { name: 'b', after: 0.25 },
          ],
          0.25,
        ),
      );
      expect(race.sockets.map(({ name }) => name).sort()).toEqual(['a', 'b']);
      expect(race.open).toEqual([winner.name]);
    }),
  );

  it(
    'leaves no socket and no attempt when it is cancelled',
    program(s, function* () {
      const race = new Race(s);
      const task = createTask(race.run([{ name: 'a' }, { name: 'b' }], 0.25));
      yield* s.wait(sleep(0.3));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(race.log.slice(2)).toEqual(['0.3 a cancelled', '0.3 b cancelled']);
      expect(race.open).toEqual([]);
    }),
  );

  it(
    'leaves no socket when it is cancelled just as one connects',
    program(s, function* () {
      const race = new Race(s);
      const task = createTask(race.run([{ name: 'a', after: 1 }, { name: 'b' }], 0.25));
      race.onConnect = () => task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(race.sockets).toHaveLength(1);
      expect(race.open).toEqual([]);
    }),
  );

  it(
    'waits until the others are gone, and leaves no socket when it is cancelled in that',
    program(s, function* () {
      const race = new Race(s);
      const answers = [
        { name: 'a', cleanUp: 1 },
        { name: 'b', after: 0 },
      ];
      yield* s.wait(race.run(answers, 0.25));
      expect(getRunningLoop().time()).toBeCloseTo(1.25);
      expect(race.open).toEqual(['b']);

      const other = new Race(s);
      const task = createTask(other.run(answers, 0.25));
      yield* s.wait(sleep(0.5));
      expect(other.open).toEqual(['b']);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(other.open).toEqual([]);
    }),
  );

  it(
    'fails with the error of all when that is the same, or there is only one',
    program(s, function* () {
      const error = refused('a');
      const race = new Race(s);
      expect(yield* failure(s, race.run([{ name: 'a', after: 1, error }], 0.25))).toBe(error);
      const same = [refused('x'), refused('x')];
      const answers = same.map((one, i) => ({ name: `${i}`, after: 1, error: one }));
      expect(yield* failure(s, race.run(answers, 0.25))).toBe(same[0]);
    }),
  );

  it(
    'fails with what the errors have in common when they differ, and says all of them',
    program(s, function* () {
      const errors = [refused('a:1'), refused('b:1'), refused('a:1')];
      const answers = errors.map((error, i) => ({ name: `${i}`, after: 1, error }));
      const error = yield* failure(s, new Race(s).run(answers, 0.25));
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({
        code: 'ECONNREFUSED',
        message: 'Multiple exceptions: connect to a:1: connect ECONNREFUSED, connect to b:1: connect ECONNREFUSED',
        cause: { errors },
      });
    }),
  );

  it(
    'is refused as a whole when all addresses refuse',
    program(s, function* () {
      const answers = ['a', 'b'].map((name) => ({ name, after: 0, error: refused(name) }));
      expect(yield* failure(s, new Race(s).run(answers, null))).toBeInstanceOf(ConnectionRefusedError);
    }),
  );

  it(
    'has no code when those of the errors differ',
    program(s, function* () {
      const other = new OSError('connect to b: connect ENETUNREACH', { code: 'ENETUNREACH' });
      const answers = [
        { name: 'a', after: 0, error: refused('a') },
        { name: 'b', after: 0, error: other },
      ];
      const error = yield* failure(s, new Race(s).run(answers, null));
      expect(error).toMatchObject({ name: 'OSError', code: 'OS' });
      expect((error as Error).message).toContain('ECONNREFUSED');
      expect((error as Error).message).toContain('ENETUNREACH');
    }),
  );

  it(
    'gives all errors as a group when asked to, in the order of the addresses',
    program(s, function* () {
      const errors = [refused('a'), refused('b')];
      const answers = [
        { name: 'a', after: 1, error: errors[0] },
        { name: 'b', after: 2, error: errors[1] },
      ];
      const error = yield* failure(s, new Race(s).run(answers, 0.25, true));
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect((error as ExceptionGroup).errors).toEqual(errors);
    }),
  );
});
