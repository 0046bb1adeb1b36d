import { createTask, gather, IncompleteReadError, sleep, TimeoutError, timeout } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';
import { DeadlockError, MemoryNetwork, type MemoryNetworkOptions, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { Simulation } from '../../../../src/testing/simulation/simulation.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth, type Spelling, spellings } from '../../../support/spellings.ts';
import { type Asked, closed, decided, decode, echo, later, now, onNetwork, strike } from './support.ts';

/** Asks a server on another host, and gives the answer or the error. */
function question(s: Spelling, options: MemoryNetworkOptions, text = 'abcdef\n') {
  return s.fn(function* () {
    const net = new MemoryNetwork(options);
    const answers: unknown[] = [];
    const server = yield* s.wait(net.startServer(tolerant(s), 'server', 80));
    try {
      const { reader, writer } = yield* s.wait(net.host('client').openConnection('server', 80));
      writer.write(text);
      try {
        for (let got = 0; got < text.length; ) {
          const bytes = yield* s.wait(reader.read(100));
          if (bytes.length === 0) break;
          got += bytes.length;
          answers.push(decode(bytes));
        }
        yield* closed(s, writer);
      } catch (error) {
        answers.push(error);
        writer.close();
        yield* failure(s, writer.waitClosed());
      }
    } catch (error) {
      answers.push(error);
    }
    yield* s.wait(server.shutdown(10));
    return { answers, seconds: now() };
  });
}

/** An echo that sends what it reads, and puts up with resets. */
function tolerant(s: Spelling) {
  return s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    try {
      for (;;) {
        const bytes = yield* s.wait(reader.read(100));
        if (bytes.length === 0) break;
        writer.write(bytes);
        yield* s.wait(writer.drain());
      }
      yield* closed(s, writer);
    } catch {
      writer.close();
    }
  });
}

describeBoth('faults that a test causes', (s) => {
  test(
    'a partition holds everything back, and nothing is lost when it is healed',
    onNetwork(s, { latency: 0.1 }, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'b', 80));
      const { reader, writer } = yield* s.wait(net.host('a').openConnection('b', 80));
      writer.write('on its way\n');
      const partition = net.partition('a', 'b');
      writer.write('sent meanwhile\n');
      const attempt = createTask(() => net.host('a').openConnection('b', 80));
      yield* later(s, 100);
      expect(attempt.done()).toBe(false);
      const reading = createTask(() => reader.readexactly(26));
      yield* later(s, 100);
      expect(reading.done()).toBe(false);
      partition.end();
      partition.end(); // has no further effect
      expect(decode(yield* s.wait(reading))).toBe('on its way\nsent meanwhile\n');
      const other = yield* s.wait(attempt);
      yield* closed(s, other.writer);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'a partition separates a group from all others when only one is named, and heal() ends all',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), ['b', 'c'], 80));
      net.partition(['b', 'c']);
      net.partition('d', ['b']);
      const inside = yield* s.wait(net.host('b').openConnection('c', 80));
      yield* closed(s, inside.writer);
      const attempt = s.fn(function* (from: string, to: string) {
        return yield* s.wait(timeout(1, () => net.host(from).openConnection(to, 80)));
      });
      expect(yield* failure(s, attempt('a', 'b'))).toBeInstanceOf(TimeoutError);
      expect(yield* failure(s, attempt('d', 'c'))).toBeInstanceOf(TimeoutError);
      net.heal();
      for (const from of ['a', 'd']) {
        const { writer } = yield* s.wait(attempt(from, 'b'));
        yield* closed(s, writer);
      }
      yield* s.wait(server.shutdown(1));
    }),
  );

  test('a partition that is never healed is a standstill that says what is waited for', async () => {
    const main = s.fn(function* () {
      const net = new MemoryNetwork();
      yield* s.wait(net.startServer(echo(s), 'b', 80));
      net.partition('a');
      yield* s.wait(net.host('a').openConnection('b', 80));
    });
    const error = await runVirtual(main).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeadlockError);
    expect(String(error)).toContain('connect to b:80()');
  });

  test(
    'a reset reaches both ends',
    onNetwork(s, { latency: 1 }, function* (net) {
      const seen: unknown[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        seen.push(yield* failure(s, reader.read()));
        writer.close();
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      writer.write('lost');
      expect(net.connections.map(String)).toEqual([
        expect.stringMatching(/^<MemoryConnection localhost:\d+ → server:80>$/),
      ]);
      net.connectionOf(writer).reset();
      const error = yield* failure(s, reader.read());
      expect(error).toMatchObject({ name: 'ConnectionResetError', code: 'ECONNRESET', syscall: 'read' });
      expect(yield* failure(s, writer.drain())).toBe(error);
      expect(yield* failure(s, writer.waitClosed())).toBe(error);
      yield* s.wait(server.shutdown(5));
      expect(seen).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    }),
  );

  test(
    'a direction that is cut off ends early, and the other one goes on',
    onNetwork(s, {}, function* (net) {
      const seen: unknown[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        seen.push(yield* failure(s, reader.readexactly(10)));
        writer.write('still here');
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      writer.write('abc');
      yield* later(s, 1);
      net.connectionOf(writer).halfClose('client');
      writer.write('defghijklm'.repeat(100_000)); // taken by the system, and lost
      expect(decode(yield* s.wait(reader.read()))).toBe('still here');
      yield* closed(s, writer);
      expect(seen).toEqual([expect.any(IncompleteReadError)]);
      expect((seen[0] as IncompleteReadError).partial.length).toBe(3);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'what is written into a direction that is cut off is taken and lost, however little is taken at once',
    onNetwork(s, { maxWrite: 3, bufferSize: 4 }, function* (net) {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* s.wait(reader.read());
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { writer } = yield* s.wait(net.openConnection('server', 80));
      writer.write('0123456789');
      net.connectionOf(writer).halfClose('client');
      expect(writer.transport.getWriteBufferSize()).toBe(0);
      writer.write('0123456789');
      expect(writer.transport.getWriteBufferSize()).toBe(0);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
      expect(now()).toBe(0);
    }),
  );

  test(
    'a host, or a port of it, refuses connections as long as it is said',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      const other = yield* s.wait(net.startServer(echo(s), 'server', 81));
      const one = net.refuse('server', 80);
      expect(yield* failure(s, net.openConnection('server', 80))).toMatchObject({ code: 'ECONNREFUSED' });
      yield* closed(s, (yield* s.wait(net.openConnection('server', 81))).writer);
      one.end();
      yield* closed(s, (yield* s.wait(net.openConnection('server', 80))).writer);
      const all = net.refuse('server');
      expect(yield* failure(s, net.openConnection('server', 81))).toMatchObject({ code: 'ECONNREFUSED' });
      all[Symbol.dispose]();
      yield* s.wait(gather(server.shutdown(1), other.shutdown(1)));
    }),
  );

  test(
    'reads and writes are as short as it is said',
    onNetwork(s, { maxRead: 2 }, function* (net) {
      const chunks: string[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        for (;;) {
          const bytes = yield* s.wait(reader.read(100));
          if (bytes.length === 0) break;
          chunks.push(decode(bytes));
        }
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { writer } = yield* s.wait(net.openConnection('server', 80));
      writer.write('abcde');
      writer.write('fg');
      yield* later(s, 1);
      expect(chunks.join('')).toBe('abcdefg');
      expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(5);
      net.configure({ maxRead: Number.POSITIVE_INFINITY, maxWrite: 3, latency: 1 });
      chunks.length = 0;
      writer.write('0123456789');
      expect(writer.transport.getWriteBufferSize()).toBe(7);
      yield* later(s, 1.5);
      expect([...chunks]).toEqual(['012']);
      expect(writer.transport.getWriteBufferSize()).toBe(4);
      writer.close();
      yield* s.wait(writer.waitClosed());
      yield* s.wait(server.shutdown(5));
      expect(chunks).toEqual(['012', '345', '678', '9']);
    }),
  );

  test(
    'servers accept late, and what has arrived by then is not lost',
    onNetwork(s, { acceptDelay: 3 }, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      expect(now()).toBe(0);
      writer.write('hello\n');
      expect(decode(yield* s.wait(reader.readline()))).toBe('hello\n');
      expect(now()).toBe(3);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
    }),
  );
});

describeBoth('faults that the decider may cause', (s) => {
  const ALL = {
    reset: true,
    halfClose: true,
    refuse: true,
    shortReads: true,
    shortWrites: true,
    slowAccept: 4,
    partition: { seconds: 30 },
  };

  async function outcomeOf(decide: (asked: Asked) => number | undefined, faults: object = ALL) {
    const {
      value,
      failure: failed,
      problems,
      asked,
    } = await decided<{ answers: unknown[]; seconds: number }>(question(s, { faults }), decide);
    expect([failed, problems]).toEqual([null, []]);
    return { ...value!.value, asked: asked.filter(({ kind }) => kind === 'fault') };
  }

  test('none happens when it takes the first way everywhere', async () => {
    const { answers, seconds, asked } = await outcomeOf(() => undefined);
    expect([answers, seconds]).toEqual([['abcdef\n'], 0]);
    expect(new Set(asked.map(({ labels }) => labels[1]!.split(':')[0]))).toEqual(
      new Set(['reset', 'halfClose', 'refuse', 'shortReads', 'shortWrites', 'slowAccept', 'partition']),
    );
    expect(asked[0]!.labels[0]).toBe('no partition');
  });

  test('none is asked for that was not allowed, nor more of them than the budget', async () => {
    expect((await outcomeOf(() => undefined, {})).asked).toEqual([]);
    expect((await outcomeOf(() => 1, { shortReads: true, budget: 0 })).asked).toEqual([]);
    const once = await outcomeOf(({ kind }) => (kind === 'fault' ? 1 : undefined), { shortReads: true });
    expect(once.asked).toHaveLength(1);
    const twice = await outcomeOf(({ kind }) => (kind === 'fault' ? 1 : undefined), { shortReads: true, budget: 2 });
    expect(twice.asked).toHaveLength(2);
    expect(twice.answers.join('')).toBe('abcdef\n');
  });

  test('a reset, on the way there or back', async () => {
    for (const direction of [' → server:80: 7 bytes', 'server:80 → client:']) {
      const { answers } = await outcomeOf(strike('reset', direction));
      expect(answers).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    }
  });

  test('an early end', async () => {
    const { answers } = await outcomeOf(strike('halfClose', 'server:80 → client:'));
    expect(answers).toEqual([]);
  });

  test('a refused connection', async () => {
    const { answers } = await outcomeOf(strike('refuse'));
    expect(answers).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' })]);
  });

  test('short reads, of one byte, of half, and of all but one', async () => {
    for (const [way, first] of [
      [1, 'a'],
      [2, 'abc'],
      [3, 'abcdef'],
    ] as const) {
      let isDone = false;
      const { answers } = await outcomeOf((asked) => {
        if (isDone || strike('shortReads', 'server:80 → client:')(asked) === undefined) return undefined;
        isDone = true;
        return way;
      });
      expect(answers.join('')).toBe('abcdef\n');
      expect(answers[0]).toBe(first);
    }
  });

  test('short writes', async () => {
    const { answers } = await outcomeOf(strike('shortWrites'));
    expect(answers.join('')).toBe('abcdef\n');
    expect(answers[0]).toBe('abc');
  });

  test('a connection that is accepted late', async () => {
    const { answers, seconds } = await outcomeOf(strike('slowAccept'));
    expect([answers, seconds]).toEqual([['abcdef\n'], 4]);
  });

  test('a partition for a time, at any moment', async () => {
    const { asked } = await outcomeOf(() => undefined, { partition: 30 });
    expect(asked.length).toBeGreaterThan(4);
    for (let at = 0; at < asked.length; at++) {
      let count = 0;
      const { answers, seconds } = await outcomeOf(({ kind }) => (kind === 'fault' && count++ === at ? 1 : undefined), {
        partition: 30,
      });
      expect(answers.join('')).toBe('abcdef\n');
      expect(seconds === 30 || at >= asked.length - 2).toBe(true);
    }
  });
});

describe('the order of connections', () => {
  test('is decided between connections, and never within one', async () => {
    const seen: string[] = [];
    const main = async () => {
      const net = new MemoryNetwork();
      const server = await net.startServer(
        async (reader, writer) => {
          for await (const line of reader.lines()) seen.push(line);
          writer.close();
        },
        'server',
        80,
      );
      const clients = [await net.openConnection('server', 80), await net.openConnection('server', 80)];
      await sleep(1);
      for (const [index, { writer }] of clients.entries()) for (const n of [1, 2]) writer.write(`${'ab'[index]}${n}\n`);
      for (const { writer } of clients) writer.close();
      await server.shutdown(5);
    };
    await decided(main, ({ kind, labels }) => {
      if (kind !== 'arrival') return undefined;
      return labels.filter((label) => label !== 'later').length - 1; // the newest connection first
    });
    expect(seen.filter((line) => line.startsWith('a'))).toEqual(['a1', 'a2']);
    expect(seen.filter((line) => line.startsWith('b'))).toEqual(['b1', 'b2']);
    expect(seen[0]).toBe('b1');
  });

  test('latencies of a range are decided: shortest, middle, longest', async () => {
    const times: number[] = [];
    for (const way of [0, 1, 2]) {
      const { seconds } = await decided(
        async () => {
          const net = new MemoryNetwork({ latency: [0.1, 0.3] });
          const server = await net.startServer((_reader, writer) => writer.close(), 'server', 80);
          const { reader, writer } = await net.openConnection('server', 80);
          await reader.read();
          writer.close();
          await server.shutdown(1);
        },
        ({ kind }) => (kind === 'latency' ? way : undefined),
      );
      times.push(seconds);
    }
    expect(times.map((time) => Math.round(time * 10))).toEqual([4, 8, 12]);
  });
});

describe('a network in a quick simulation', () => {
  test('gives the same as in a slow one', async () => {
    const generator = spellings[0]!;
    const endings = [];
    for (const quick of [false, true]) {
      const simulation = new Simulation({ quick, failOnLeaks: true });
      for (let i = 0; i < 3; i++) endings.push(await simulation.run(question(generator, { latency: [0.1, 0.2] })));
      simulation.close();
    }
    for (const ending of endings) expect(ending).toEqual(endings[0]);
    expect(endings[0]!.value!.value.answers).toEqual(['abcdef\n']);
  });
});
