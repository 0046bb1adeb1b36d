import { Condition, Event, sleep } from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Things that are produced and consumed under a condition, with a notification for each. */
class Shop {
  readonly condition = new Condition();
  readonly items: number[] = [];
  readonly got: number[] = [];
  readonly #s: Spelling;

  constructor(s: Spelling) {
    this.#s = s;
  }

  *consume(): Steps {
    const { condition, items } = this;
    using _ = yield* this.#s.wait(condition.acquire());
    while (items.length === 0) {
      try {
        yield* this.#s.wait(condition.wait());
      } finally {
        check(condition.locked(), 'a wait has ended without the lock');
      }
    }
    this.got.push(items.shift()!);
  }

  *consumeWithPredicate(): Steps {
    using _ = yield* this.#s.wait(this.condition.acquire());
    yield* this.#s.wait(this.condition.waitFor(() => this.items.length > 0));
    this.got.push(this.items.shift()!);
  }

  *produce(item: number): Steps {
    using _ = yield* this.#s.wait(this.condition.acquire());
    this.items.push(item);
    this.condition.notify();
  }
}

describe.each(['consume', 'consumeWithPredicate'] as const)('a condition under which tasks wait (%s)', (consume) => {
  explored(
    'loses no notification',
    (s) =>
      function* () {
        const shop = new Shop(s);
        const tasks = [
          start(s, 'consumer 0', () => shop[consume]()),
          start(s, 'producer 0', () => shop.produce(0)),
          start(s, 'consumer 1', () => shop[consume]()),
          start(s, 'producer 1', () => shop.produce(1)),
        ];
        yield* ends(s, tasks);
        check(String(shop.got.sort()) === '0,1', `got ${shop.got}`);
        check(!shop.condition.locked(), 'the lock is left locked');
      },
  );

  exploredWithCancellation(
    'passes the notification of one who is cancelled on',
    { victims: 2, steps: 7 },
    (s, { victim, steps }) =>
      function* () {
        const shop = new Shop(s);
        const consumers = [0, 1].map((i) => start(s, `consumer ${i}`, () => shop[consume]()));
        yield* s.wait(sleep(0));
        // As many items as there are consumers that are not cancelled: the other one has to get it.
        const producer = start(s, 'producer', () => shop.produce(0));
        const canceller = cancelAfter(s, consumers[victim]!, steps);
        yield* ends(s, [canceller, producer]);
        if (shop.got.length > 0 && !consumers[victim]!.cancelled()) yield* shop.produce(1);
        yield* ends(s, consumers);
        check(!shop.condition.locked(), 'the lock is left locked');
      },
  );
});

describe('a condition', () => {
  explored(
    'wakes as many as it is told to, those first that came first',
    (s) =>
      function* () {
        const condition = new Condition();
        const [came, woken]: [string[], string[]] = [[], []];
        function* waits(name: string): Steps {
          using _ = yield* s.wait(condition.acquire());
          came.push(name);
          yield* s.wait(condition.wait());
          woken.push(name);
        }
        const tasks = ['a', 'b', 'c'].map((name) => start(s, name, () => waits(name)));
        while (came.length < 3) yield* s.wait(sleep(0.1));
        for (const count of [2, 1]) {
          yield* s.wait(
            condition.with(
              s.fn(function* () {
                condition.notify(count);
              }),
            ),
          );
          yield* s.wait(sleep(1));
          const first = came.slice(0, count === 2 ? 2 : 3);
          check(String([...woken].sort()) === String(first.sort()), `came: ${came}, woken: ${woken}`);
        }
        yield* ends(s, tasks);
      },
  );

  exploredWithCancellation(
    'that notifies all loses nobody',
    { victims: 3, steps: 6 },
    (s, { victim, steps }) =>
      function* () {
        const condition = new Condition();
        let isReady = false;
        function* waits(): Steps {
          using _ = yield* s.wait(condition.acquire());
          while (!isReady) yield* s.wait(condition.wait());
        }
        const tasks = [0, 1, 2].map((i) => start(s, `task ${i}`, waits));
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        yield* pass(s, 2);
        yield* s.wait(
          condition.with(
            s.fn(function* () {
              isReady = true;
              condition.notifyAll();
            }),
          ),
        );
        yield* ends(s, [canceller, ...tasks]);
        check(!condition.locked() && condition.statistics().waiting === 0, `${condition} is left`);
      },
  );
});

describe('a condition whose lock is held for a while after it has notified', () => {
  exploredWithCancellation(
    'ends each wait with the lock in the hands of who has waited',
    { victims: 2, steps: 8 },
    (s, { victim, steps }) =>
      function* () {
        const condition = new Condition();
        let ended = 0;
        function* waits(name: string): Steps {
          yield* s.wait(condition.acquire());
          try {
            yield* s.wait(condition.wait());
          } finally {
            check(condition.lock.holder?.getName() === name, `a wait of ${name} has ended without the lock`);
            ended++;
            condition.release();
          }
        }
        const tasks = ['a', 'b'].map((name) => start(s, name, () => waits(name)));
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        yield* pass(s, 2);
        yield* s.wait(
          condition.with(
            s.fn(function* () {
              condition.notifyAll();
              yield* pass(s, 3);
            }),
          ),
        );
        // Whoever has come only now is notified as well.
        yield* s.wait(sleep(1));
        yield* s.wait(
          condition.with(
            s.fn(function* () {
              condition.notifyAll();
            }),
          ),
        );
        yield* ends(s, [canceller, ...tasks]);
        check(ended >= 1 && !condition.locked(), `${ended} waits have ended, ${condition} is left`);
      },
  );
});

describe('an event', () => {
  explored(
    'lets everybody go on who waits when it is set, even if it is cleared at once, and nobody before',
    (s) =>
      function* () {
        const event = new Event();
        let wasSet = false;
        function* waits(): Steps {
          yield* s.wait(event.wait());
          check(wasSet, 'gone on before it was set');
        }
        const tasks = [start(s, 'a', waits), start(s, 'b', waits)];
        yield* s.wait(sleep(0.1));
        wasSet = true;
        event.set();
        event.clear();
        yield* ends(s, tasks);
        check(event.statistics().waiting === 0 && !event.isSet(), `${event} is left`);
      },
  );

  explored(
    'that is set lets everybody pass, before and after',
    (s) =>
      function* () {
        const event = new Event();
        function* waits(): Steps {
          yield* s.wait(event.wait());
          check(event.isSet(), 'gone on before it was set');
        }
        const tasks = [start(s, 'a', waits), start(s, 'b', waits)];
        const setting = start(s, 'set', function* () {
          yield* s.wait(sleep(0));
          event.set();
        });
        tasks.push(start(s, 'c', waits));
        yield* ends(s, [setting, ...tasks]);
      },
  );

  exploredWithCancellation(
    'wakes the others',
    { victims: 2, steps: 5 },
    (s, { victim, steps }) =>
      function* () {
        const event = new Event();
        const waits = function* (): Steps {
          yield* s.wait(event.wait());
        };
        const tasks = [start(s, 'a', waits), start(s, 'b', waits)];
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        yield* pass(s, 1);
        event.set();
        yield* ends(s, [canceller, ...tasks]);
        check(!tasks[1 - victim]!.cancelled(), 'another one was cancelled');
        check(event.statistics().waiting === 0, 'a place is left');
      },
  );
});
