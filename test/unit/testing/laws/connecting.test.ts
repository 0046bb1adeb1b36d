import { coroutine, getRunningLoop, type Task } from 'asyncio-ts';
import { describe } from 'vitest';
import { firstToConnect, type RaceOptions } from '../../../../src/node/net/happy-eyeballs.ts';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

const race = coroutine((steps: readonly number[], options: RaceOptions<number, Socket>) =>
  firstToConnect(getRunningLoop(), steps, options),
);

interface Socket {
  destroy(): void;
}

/** Addresses that answer after some steps, and the sockets that are open. */
class Addresses {
  open = 0;
  running = 0;
  readonly #s: Spelling;

  constructor(s: Spelling) {
    this.#s = s;
  }

  /** A task that connects to the first of the addresses that answers, and closes the socket when it has it. */
  connect(...steps: readonly number[]): Task<unknown> {
    const [s, addresses] = [this.#s, this];
    const answers = s.fn(function* (count: number) {
      addresses.running++;
      try {
        yield* pass(s, count);
        addresses.open++;
        return { destroy: () => void addresses.open-- };
      } finally {
        addresses.running--;
      }
    });
    const attempt = coroutine((_loop: unknown, count: number) => answers(count));
    return start(s, 'owner', function* () {
      const options = { attempt, delay: 0.001, allErrors: false };
      const socket = yield* s.wait(race(steps, options));
      socket.destroy();
    });
  }

  /** Nothing is left. */
  areQuiet(): void {
    check(this.running === 0, `${this.running} attempts still run`);
    check(this.open === 0, `${this.open} sockets are open`);
  }
}

describe('a race of attempts to connect', () => {
  explored(
    'closes all sockets but one, and ends all attempts',
    (s) =>
      function* () {
        const addresses = new Addresses(s);
        yield* ends(s, [addresses.connect(1, 0, 2)]);
        addresses.areQuiet();
      },
  );

  exploredWithCancellation(
    'closes all sockets and ends all attempts',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        const addresses = new Addresses(s);
        const owner = addresses.connect(1, 0);
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        addresses.areQuiet();
      },
  );

  exploredWithCancellation(
    'closes all sockets and ends all attempts, also when it is cancelled once more',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        const addresses = new Addresses(s);
        const owner = addresses.connect(1, 0);
        yield* ends(s, [cancelAfter(s, owner, steps), cancelAfter(s, owner, steps + 1), owner]);
        addresses.areQuiet();
      },
  );
});
