import { type Awaitable, type Coroutine, type CoroutineFunction, getRunningLoop, sleep } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';
import { MemoryNetwork, type MemoryNetworkOptions, runVirtual } from 'asyncio-ts/testing';
import { type Decider, type Ending, Simulation } from '../../../../src/testing/simulation/simulation.ts';
import type { Body, Spelling } from '../../../support/spellings.ts';

export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A test whose body is a program with a network, which must leave nothing behind. */
export function onNetwork(
  s: Spelling,
  options: MemoryNetworkOptions,
  body: Body<[net: MemoryNetwork], void>,
): () => Promise<void> {
  return async () => {
    const main = s.fn(function* () {
      yield* body(new MemoryNetwork(options));
    });
    await runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true });
  };
}

/** A handler of a server that sends back each line. */
export function echo(
  s: Spelling,
): (reader: StreamReader, writer: StreamWriter) => Awaitable<void> | Coroutine<void> | PromiseLike<void> {
  return s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    for (;;) {
      const line = yield* s.wait(reader.readline());
      if (line.length === 0) break;
      writer.write(line);
      yield* s.wait(writer.drain());
    }
    writer.close();
    yield* s.wait(writer.waitClosed());
  });
}

/** Closes a writer, and waits for it. */
export function* closed(s: Spelling, writer: StreamWriter): Generator<unknown, void, unknown> {
  writer.close();
  yield* s.wait(writer.waitClosed());
}

/** The present time of the simulation, in seconds. */
export const now = (): number => getRunningLoop().time();

/** Lets so many seconds go by. */
export function* later(s: Spelling, seconds: number): Generator<unknown, void, unknown> {
  yield* s.wait(sleep(seconds));
}

/** One choice that was asked for: its kind, and the labels of the ways. */
export interface Asked {
  readonly kind: string;
  readonly labels: readonly string[];
}

/**
 * Runs a program with a decider that is a function, and gives how it ended and what was asked.
 *
 * @param decide gives the way to take; the first one where it gives nothing
 */
export async function decided<T>(
  main: CoroutineFunction<T>,
  decide: (asked: Asked) => number | undefined,
): Promise<Ending<T> & { readonly asked: readonly Asked[] }> {
  const asked: Asked[] = [];
  const decider: Decider = {
    choosesReady: false,
    slack: 0,
    choose(kind, count, candidates) {
      const labels = Array.from({ length: count }, (_, i) => labelOf(candidates.at(i)));
      asked.push({ kind, labels });
      return decide({ kind, labels }) ?? 0;
    },
  };
  const simulation = new Simulation({ decider, failOnLeaks: true, failOnUnretrieved: true });
  try {
    return { ...(await simulation.run<T>(main)), asked };
  } finally {
    simulation.close();
  }
}

function labelOf(candidate: object | undefined): string {
  return (candidate as { label?: string } | undefined)?.label ?? 'later';
}

/** Takes the first fault of a kind whose label contains a text. */
export function strike(kind: string, text = ''): (asked: Asked) => number | undefined {
  return ({ kind: asked, labels }) => {
    if (asked !== 'fault') return undefined;
    const at = labels.findIndex((label) => label.startsWith(`${kind}: `) && label.includes(text));
    return at < 0 ? undefined : at;
  };
}
