import { gather, sleep } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';
import { ExplorationFailure, explore, MemoryNetwork, type NetworkFaults, replay } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { closed, decode } from './support.ts';

/** A server that answers each line, and a client that reads its answer in one way or another. */
function client(
  s: Spelling,
  faults: NetworkFaults,
  readAnswer: (reader: StreamReader) => Generator<unknown, string, unknown>,
) {
  return s.fn(function* () {
    const net = new MemoryNetwork({ faults });
    const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
      const line = decode(yield* s.wait(reader.readline()));
      if (line === 'question\n') writer.write('answer\n');
      yield* closed(s, writer);
    });
    const server = yield* s.wait(net.startServer(handler, 'server', 80));
    const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
    writer.write('question\n');
    const answer = yield* readAnswer(reader);
    yield* closed(s, writer);
    yield* s.wait(server.shutdown(10));
    return answer;
  });
}

async function failureOf(exploration: Promise<unknown>): Promise<ExplorationFailure> {
  const failure = await exploration.then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(ExplorationFailure);
  return failure as ExplorationFailure;
}

describeBoth('explore on a network', (s) => {
  const check = (answer: string) => expect(answer).toBe('answer\n');

  test('finds a client that takes one read for one message, and not one that reads a line', async () => {
    const wrong = client(s, { shortReads: true }, function* (reader) {
      return decode(yield* s.wait(reader.read(100)));
    });
    const failure = await failureOf(explore(wrong, { schedules: 300, check }));
    expect(failure.explanation).toMatch(/fault: shortReads: server:80 → localhost:\d+: a part of 7 bytes/);
    expect(failure.token.length).toBeLessThanOrEqual(80);
    await expect(replay(wrong, failure.token, { check })).rejects.toThrow('answer');

    const right = client(
      s,
      { shortReads: true, shortWrites: true, slowAccept: true, partition: true, budget: 3 },
      function* (reader) {
        return decode(yield* s.wait(reader.readline()));
      },
    );
    await explore(right, { schedules: 300, check });
  });

  test('finds a client that does not expect a reset', async () => {
    const wrong = client(s, { reset: true }, function* (reader) {
      return decode(yield* s.wait(reader.readline()));
    });
    const failure = await failureOf(explore(wrong, { schedules: 300 }));
    expect(failure.error).toMatchObject({ code: 'ECONNRESET' });
    expect(failure.explanation).toContain('fault: reset: ');
  });

  test('finds clients whose connections must not overtake each other', async () => {
    const main = s.fn(function* () {
      const net = new MemoryNetwork();
      const seen: string[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        seen.push(decode(yield* s.wait(reader.read())));
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const send = s.fn(function* (text: string) {
        const { writer } = yield* s.wait(net.openConnection('server', 80));
        writer.write(text);
        yield* closed(s, writer);
      });
      yield* s.wait(gather(send('first'), send('second')));
      yield* s.wait(sleep(1));
      yield* s.wait(server.shutdown(10));
      return seen.join();
    });
    const failure = await failureOf(
      explore(main, { schedules: 300, check: (order) => expect(order).toBe('first,second') }),
    );
    expect(failure.explanation).toContain('came before');
  });
});
