import { CancelledError, getRunningLoop, sleep, taskGroup } from 'asyncio-ts';
import { IncompleteReadError, OSError, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { eventually, explore, MemoryNetwork, type NetworkFaults, SimulatedExecutor, sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { decode } from './support.ts';

/** Runs a body with a connection, which is closed in any case. */
function connected(
  s: Spelling,
  net: MemoryNetwork,
  body: (reader: StreamReader, writer: StreamWriter) => Generator<unknown, string, unknown>,
) {
  return s.fn(function* () {
    const { reader, writer } = yield* s.wait(net.host('client').openConnection('server', 80));
    try {
      return yield* body(reader, writer);
    } finally {
      yield* s.wait(writer[Symbol.asyncDispose]());
    }
  });
}

/** A server that answers lines, and clients that ask it, all of which clean up after themselves. */
function conversation(s: Spelling, faults: NetworkFaults, latency = 0, isFatal = true) {
  const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    try {
      for (;;) {
        const line = decode(yield* s.wait(reader.readline()));
        if (line === '') break;
        writer.write(line.toUpperCase());
        yield* s.wait(writer.drain());
      }
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
    } finally {
      writer.close();
    }
  });
  return s.fn(function* () {
    const net = new MemoryNetwork({ faults, latency, bufferSize: 4 });
    const server = yield* s.wait(net.startServer(handler, 'server', 80, { closeTimeout: null }));
    try {
      const ask = (text: string) =>
        connected(s, net, function* (reader, writer) {
          writer.write(`${text}\n`);
          yield* s.wait(writer.drain());
          const answer = decode(yield* s.wait(reader.readuntil()));
          expect(answer).toBe(`${text.toUpperCase()}\n`);
          return answer;
        });
      const careful = s.fn(function* (text: string) {
        try {
          return yield* s.wait(ask(text)());
        } catch (error) {
          const isOfNetwork = error instanceof OSError || error instanceof IncompleteReadError;
          if (isFatal || !isOfNetwork) throw error;
          return 'no answer';
        }
      });
      const answers: string[] = [];
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            const asked = s.fn(function* (text: string) {
              answers.push(yield* s.wait(careful(text)));
            });
            for (const text of ['one', 'second']) group.createTask(() => asked(text));
            yield* s.wait(sleep(0));
          }),
        ),
      );
      return answers.sort();
    } finally {
      yield* s.wait(server[Symbol.asyncDispose]());
    }
  });
}

describeBoth('programs on a network', (s) => {
  test('leave nothing behind wherever they are cancelled', async () => {
    for (const latency of [0, 0.1]) {
      const report = await sweep(conversation(s, {}, latency), {
        expected: (error) =>
          error instanceof CancelledError || error instanceof OSError || error instanceof IncompleteReadError,
      });
      expect(report.runs).toBeGreaterThan(20);
    }
  });

  test('end well under every single fault, in every order', async () => {
    const faults = {
      reset: true,
      halfClose: true,
      refuse: true,
      shortReads: true,
      shortWrites: true,
      slowAccept: true,
      partition: true,
    };
    for (const budget of [1, 3]) {
      await explore(conversation(s, { ...faults, budget }, 0, false), {
        schedules: 400,
        check: (answers) =>
          expect(answers.every((answer) => ['ONE\n', 'SECOND\n', 'no answer'].includes(answer))).toBe(true),
      });
    }
    await explore(
      conversation(s, { shortReads: true, shortWrites: true, slowAccept: true, partition: true, budget: 4 }),
      {
        schedules: 400,
        check: (answers) => expect(answers).toEqual(['ONE\n', 'SECOND\n']),
      },
    );
  });
});

describeBoth('programs with a simulated executor and checks', (s) => {
  test('leave nothing behind wherever they are cancelled', async () => {
    const main = s.fn(function* () {
      const executor = new SimulatedExecutor({ workers: 1, takes: 1 });
      let done = 0;
      try {
        const jobs = [1, 2].map((n) => getRunningLoop().runInExecutor(executor, () => (done += n)));
        yield* s.wait(eventually(() => done === 1, { within: 5 }));
        yield* s.wait(eventually(() => done === 3, { within: 5 }));
        for (const job of jobs) yield* s.wait(job);
      } finally {
        yield* s.wait(executor.shutdown());
      }
    });
    const report = await sweep(main);
    expect(report.runs).toBeGreaterThan(4);
  });
});
