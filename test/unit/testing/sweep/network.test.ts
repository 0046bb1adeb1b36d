import { getRunningLoop, taskGroup } from 'asyncio-ts';
import { ConnectionResetError } from 'asyncio-ts/node';
import { MemoryNetwork, SimulatedExecutor, sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';
import { many } from './support.ts';

describeBoth('whichever await is cancelled', (s) => {
  test('connections and servers in memory are closed', async () => {
    const report = await sweep(
      s.fn(function* () {
        const net = new MemoryNetwork({ latency: 0.05 });
        const serve = s.fn(function* (reader: { readline(): Iterable<unknown> }, writer: Closable) {
          try {
            yield* s.wait(reader.readline());
            writer.write('pong\n');
            yield* s.wait(writer.drain());
          } finally {
            writer.close();
            yield* s.wait(writer.waitClosed());
          }
        });
        const server = (yield* s.wait(net.startServer(serve as never, 'host', 1))) as {
          close(): void;
          shutdown(seconds: number): Iterable<unknown>;
        };
        const client = s.fn(function* () {
          const { reader, writer } = (yield* s.wait(net.openConnection('host', 1))) as {
            reader: { readline(): Iterable<unknown> };
            writer: Closable;
          };
          try {
            writer.write('ping\n');
            yield* s.wait(reader.readline());
          } finally {
            writer.close();
            yield* s.wait(writer.waitClosed());
          }
        });
        try {
          yield* s.wait(
            taskGroup(
              s.fn(function* (group) {
                group.createTask(client);
                group.createTask(client);
              }),
            ),
          );
        } finally {
          yield* s.wait(server.shutdown(1));
        }
      }),
      { expected: (error) => error instanceof ConnectionResetError },
    );
    many(report, 50);
    expect(report.foreign).toBe(0);
  });

  test('an executor in memory ends what it has begun', async () => {
    const report = await sweep(
      s.fn(function* () {
        const executor = new SimulatedExecutor();
        const loop = getRunningLoop();
        yield* s.wait(loop.runInExecutor(executor, () => 1));
        yield* s.wait(loop.runInExecutor(executor, () => 2));
      }),
    );
    many(report, 6);
  });
});

interface Closable {
  write(text: string): void;
  drain(): Iterable<unknown>;
  close(): void;
  waitClosed(): Iterable<unknown>;
}
