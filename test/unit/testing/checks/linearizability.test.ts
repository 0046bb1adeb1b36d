import { gather, InvalidStateError, Lock, Queue, QueueEmpty, sleep } from 'asyncio-ts';
import {
  CheckError,
  checkLinearizable,
  completion,
  type ExplorationFailure,
  explore,
  History,
  lockModel,
  type Model,
  queueModel,
  type RecordedCall,
  registerModel,
  runVirtual,
} from 'asyncio-ts/testing';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { findOrder } from '../../../../src/testing/checks/linearizability.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';

/** A history of lines such as `a write 1` (a call) and `a ok` or `a = 1` (its end). */
function historyOf<S>(model: Model<S>, lines: string): History<S> {
  const history = new History(model);
  const open = new Map<string, ReturnType<History['begin']>>();
  for (const line of lines.trim().split('\n')) {
    const [client = '', name = '', ...rest] = line.trim().split(/\s+/);
    const values = rest.map((text) => JSON.parse(text) as unknown);
    if (name === 'ok') open.get(client)!.end();
    else if (name === '=') open.get(client)!.end(values[0]);
    else if (name === '!') open.get(client)!.fail(values[0] === 'empty' ? new QueueEmpty() : new Error('lost'));
    else open.set(client, history.begin(client, name, values));
  }
  return history;
}

function problemOf(history: History<never> | History): string {
  try {
    checkLinearizable(history as History);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckError);
    expect(error).toMatchObject({ code: 'NOT_LINEARIZABLE' });
    return (error as CheckError).message;
  }
  throw new Error('expected it not to be linearizable');
}

describe('a history of a register', () => {
  test.each([
    ['nothing', ''],
    ['a read of the first value', 'a read\na = 0'],
    [
      'a read during a write that sees it, and another one that does not',
      'w write 1\na read\nb read\na = 1\nb = 0\nw ok',
    ],
    ['a write whose end is not known, and that is seen later', 'w write 1\nw ! "lost"\na read\na = 0\na read\na = 1'],
    ['a write that was never answered, and has not happened', 'w write 1\na read\na = 0'],
    [
      'a compareAndSet of which one of two succeeds',
      'a compareAndSet 0 1\nb compareAndSet 0 2\nb = true\na = false\na read\na = 2',
    ],
  ])('is linearizable: %s', (_what, lines) => {
    const history = lines === '' ? new History(registerModel(0)) : historyOf(registerModel(0), lines);
    expect(() => checkLinearizable(history)).not.toThrow();
  });

  test.each([
    ['a read of an old value after a write', 'w write 1\nw ok\na read\na = 0'],
    [
      'two reads that see two writes in opposite orders',
      'w write 1\nv write 2\nw ok\nv ok\na read\na = 1\na read\na = 2',
    ],
    ['a value that nobody has written', 'a read\na = 7'],
    ['a write that is seen, and then not', 'w write 1\nw ! "lost"\na read\na = 1\na read\na = 0'],
    [
      'two compareAndSet of one value that both succeed',
      'a compareAndSet 0 1\nb compareAndSet 0 2\nb = true\na = true',
    ],
  ])('is not linearizable: %s', (_what, lines) => {
    problemOf(historyOf(registerModel(0), lines));
  });

  test('is drawn up to the first end that has no explanation', () => {
    const message = problemOf(
      historyOf(
        registerModel(0),
        `w write 1
         reader read
         w ok
         reader = 1
         other read
         other = 0
         w write 2
         w ok`,
      ),
    );
    expect(
      message,
    ).toBe(`not linearizable as a register: no order of these operations, each at a moment between its call and its end, gives these results:

  w       ├─write(1)─┤
  reader    ├─read() → 1─┤
  other                    ├─read() → 0─┤

The longest order that explains some of them: write(1) (w), read() → 1 (reader). Then the state is 1, and there is no place for read() → 0 (other).`);
  });
});

describe('a history of a queue', () => {
  test('is linearizable when items come out in the order in which they were put in', () => {
    checkLinearizable(
      historyOf(queueModel(), 'p put 1\nq put 2\np ok\nq ok\nc get\nd get\nc = 2\nd = 1\nc getNowait\nc ! "empty"'),
    );
    checkLinearizable(historyOf(queueModel(1), 'p put 1\np ok\np put 2\nc get\nc = 1\np ok\nc qsize\nc = 1'));
    checkLinearizable(historyOf(queueModel(), 'c get\np put 1\np ok\nc = 1')); // a consumer that has waited
  });

  test('is not linearizable when an item comes out twice, too late, of an empty queue, or beyond its size', () => {
    problemOf(historyOf(queueModel(), 'p put 1\np ok\nc get\nc = 1\nd get\nd = 1'));
    problemOf(historyOf(queueModel(), 'p put 1\np ok\np put 2\np ok\nc get\nc = 2'));
    problemOf(historyOf(queueModel(), 'p put 1\np ok\nc getNowait\nc ! "empty"'));
    problemOf(historyOf(queueModel(1), 'p put 1\np ok\np put 2\np ok'));
  });
});

describe('a history of a lock', () => {
  test('is linearizable when one holds it at a time', () => {
    checkLinearizable(
      historyOf(
        lockModel(),
        'a acquire\nb acquire\na ok\nc locked\nc = true\na release\nb ok\na ok\nb release\nb ok\nc locked\nc = false',
      ),
    );
  });

  test('is not linearizable when two hold it, or one gives it back that does not hold it', () => {
    problemOf(historyOf(lockModel(), 'a acquire\na ok\nb acquire\nb ok'));
    problemOf(historyOf(lockModel(), 'a acquire\na ok\nb release\nb ok'));
  });
});

describe('a model of one’s own', () => {
  const counter: Model<number> = {
    init: 0,
    apply: (count, { name }) => (name === 'increment' ? { state: count + 1, result: count + 1 } : null),
  };

  test('has states that are plain data, and results that are compared by value', () => {
    checkLinearizable(historyOf(counter, 'a increment\nb increment\na = 2\nb = 1'));
    expect(problemOf(historyOf(counter, 'a increment\na = 2') as History<never>)).toContain(
      'None of them can be the first one: the state is 0 at the beginning.',
    );
    const store: Model<{ readonly [key: string]: readonly number[] }> = {
      title: 'a store of lists',
      init: {},
      apply: (state, { name, args: [key, item] }) => {
        const list = state[key as string] ?? [];
        return name === 'add'
          ? { state: { ...state, [key as string]: [...list, item as number] } }
          : { state, result: list };
      },
    };
    checkLinearizable(historyOf(store, 'a add "x" 1\na ok\nb list "x"\nb = [1]'));
    expect(problemOf(historyOf(store, 'a add "x" 1\na ok\nb list "x"\nb = []') as History<never>)).toContain(
      "Then the state is { x: [1] }, and there is no place for list('x') → [] (b).",
    );
  });

  test('may do one of several things', () => {
    const dice: Model<number> = {
      init: 0,
      apply: (last, { name }) =>
        name === 'roll' ? [1, 2, 3].map((eyes) => ({ state: eyes, result: eyes })) : { state: last, result: last },
    };
    checkLinearizable(historyOf(dice, 'a roll\na = 3\nb last\nb = 3'));
    checkLinearizable(historyOf(dice, 'a roll\na ! "lost"\nb last\nb = 2'));
    problemOf(historyOf(dice, 'a roll\na = 3\nb last\nb = 2') as History<never>);
    problemOf(historyOf(dice, 'a roll\na = 4') as History<never>);
  });

  test('has parts that are checked by themselves', () => {
    let applied = 0;
    const map: Model<unknown> = {
      init: null,
      apply: (state, operation) => {
        applied++;
        return operation.name === 'set' ? { state: operation.args[1] } : { state, result: state };
      },
      partOf: ({ args }) => args[0],
    };
    const lines: string[] = [];
    for (let key = 0; key < 20; key++)
      for (const client of ['a', 'b', 'c']) lines.push(`${client}${key} set ${key} ${key}`);
    for (let key = 0; key < 20; key++) for (const client of ['a', 'b', 'c']) lines.push(`${client}${key} ok`);
    checkLinearizable(historyOf(map, lines.join('\n')));
    expect(applied).toBeLessThan(500);
    problemOf(historyOf(map, `${lines.join('\n')}\nr get 7\nr = 8`) as History<never>);
  });

  test('is told when an operation is unknown to a model of the library', () => {
    expect(() => checkLinearizable(historyOf(lockModel(), 'a lock\na ok'))).toThrow(
      "the model of a lock has no operation 'lock'; it has acquire, release, locked",
    );
  });
});

describe('the search', () => {
  /** All orders that agree with who was called after whose end. */
  function isLinearizable(calls: readonly RecordedCall[], model: Model<unknown>): boolean {
    const search = (state: unknown, left: readonly RecordedCall[]): boolean => {
      if (left.every(({ endedAt }) => endedAt === null)) return true;
      return left.some((call) => {
        if (left.some((other) => other.endedAt !== null && other.endedAt < call.calledAt)) return false;
        const effect = model.apply(state, call);
        if (effect === null) return false;
        const { state: next, result } = effect as { state: unknown; result?: unknown };
        if (call.outcome.kind === 'result' && 'result' in effect && result !== call.outcome.value) return false;
        return search(
          next,
          left.filter((other) => other !== call),
        );
      });
    };
    return search(model.init, calls);
  }

  test('agrees with trying out all orders', () => {
    const event = fc.record({
      client: fc.nat(2),
      name: fc.constantFrom('read', 'write', 'compareAndSet'),
      value: fc.nat(2),
      other: fc.nat(2),
      isLost: fc.boolean(),
    });
    let [good, bad] = [0, 0];
    fc.assert(
      fc.property(fc.array(event, { maxLength: 14 }), (events) => {
        const model = registerModel(0);
        const history = new History(model);
        const open = new Map<number, { end(result: unknown): void; fail(error: unknown): void; name: string }>();
        for (const { client, name, value, other, isLost } of events) {
          const call = open.get(client);
          if (call === undefined) {
            const args = name === 'read' ? [] : name === 'write' ? [value] : [value, other];
            open.set(client, { ...history.begin(`c${client}`, name, args), name });
            continue;
          }
          open.delete(client);
          if (isLost && value === 0) call.fail(new Error('lost'));
          else call.end(call.name === 'read' ? value : call.name === 'write' ? undefined : isLost);
        }
        const expected = isLinearizable(history.calls, model);
        if (expected) good++;
        else bad++;
        if (history.calls.length === 0) return;
        expect(findOrder(history.calls, model, 1e6).kind).toBe(expected ? 'order' : 'none');
        if (!expected) expect(problemOf(history)).toContain('not linearizable as a register');
      }),
      { numRuns: 1_000 },
    );
    expect([good > 100, bad > 100]).toEqual([true, true]);
  });

  test('takes a history of fifty operations of ten clients, linearizable or not, in few steps', () => {
    for (const isWrong of [false, true]) {
      let applied = 0;
      const register = registerModel(0);
      const model: Model<unknown> = {
        ...register,
        apply(state, operation) {
          applied++;
          return register.apply(state, operation);
        },
      };
      const history = new History(model);
      for (let round = 0; round < 5; round++) {
        const calls = Array.from({ length: 10 }, (_, i) =>
          history.begin(`c${i}`, i % 2 === 0 ? 'write' : 'read', i % 2 === 0 ? [round * 10 + i] : []),
        );
        for (const [i, call] of calls.entries()) call.end(i % 2 === 0 ? undefined : round * 10 + i - 1);
      }
      if (isWrong) history.callNowait('last', 'read', [], () => 'never written');
      if (isWrong) problemOf(history);
      else checkLinearizable(history);
      expect(applied).toBeLessThan(200_000);
    }
  });

  test('gives up when there are too many possibilities', () => {
    const history = new History(registerModel(0));
    const calls = Array.from({ length: 30 }, (_, i) => history.begin(`c${i}`, 'write', [i]));
    for (const call of calls) call.end();
    history.callNowait('last', 'read', [], () => 'never written');
    expect(() => checkLinearizable(history, { maxStates: 10_000 })).toThrow(
      'checkLinearizable: 31 operations can be ordered in more ways than could be looked at (10000)',
    );
  });
});

describeBoth('history.call', (s) => {
  test('gives what the operation gives, throws what it throws, and records both', async () => {
    const main = s.fn(function* () {
      const history = new History(queueModel());
      const queue = new Queue<number>();
      yield* s.wait(history.call('p', 'put', [1], () => queue.put(1)));
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
        return yield* s.wait(queue.get());
      });
      const value = yield* s.wait(history.call('c', 'get', [], body));
      const plain = yield* s.wait(history.call('c', 'qsize', [], () => queue.qsize()));
      const error = yield* failure(
        s,
        history.call('c', 'getNowait', [], () => queue.getNowait()),
      );
      expect(() => history.callNowait('c', 'getNowait', [], () => queue.getNowait())).toThrow(QueueEmpty);
      checkLinearizable(history);
      return { value, plain, error, outcomes: history.calls.map(({ outcome }) => outcome.kind), text: `${history}` };
    });
    const { value, plain, error, outcomes, text } = await runVirtual(main);
    expect([value, plain]).toEqual([1, 0]);
    expect(error).toBeInstanceOf(QueueEmpty);
    expect(outcomes).toEqual(['result', 'result', 'result', 'error', 'error']);
    expect(text).toBe('<History of a queue calls=5>');
  });

  test('takes an operation that is cancelled, or fails otherwise, for one that may have happened', async () => {
    const main = s.fn(function* () {
      const history = new History(registerModel(0));
      yield* failure(
        s,
        history.call('a', 'write', [1], () => {
          throw new InvalidStateError('no answer');
        }),
      );
      expect(history.calls[0]).toMatchObject({ outcome: { kind: 'unknown' }, endedAt: null });
      yield* s.wait(history.call('b', 'read', [], () => 1));
      checkLinearizable(history);
    });
    await runVirtual(main);
  });

  test('finds, with explore, a counter whose answers overtake each other, and nothing in one that is locked', async () => {
    const counter: Model<number> = {
      title: 'a counter',
      init: 0,
      apply: (count) => ({ state: count + 1, result: count }),
    };
    const program = (isLocked: boolean) =>
      s.fn(function* () {
        const history = new History(counter);
        const lock = new Lock();
        let stored = 0;
        const add = s.fn(function* () {
          if (isLocked) yield* s.wait(lock.acquire());
          const before = stored;
          yield* s.wait(completion(null, { label: 'the store' }));
          stored = before + 1;
          if (isLocked) lock.release();
          return before;
        });
        const client = s.fn(function* (name: string) {
          yield* s.wait(history.call(name, 'add', [], add));
        });
        yield* s.wait(gather(client('a'), client('b')));
        checkLinearizable(history);
      });
    const found = (await explore(program(false), { schedules: 100 }).catch(
      (error: unknown) => error,
    )) as ExplorationFailure;
    expect(found.error).toMatchObject({ code: 'NOT_LINEARIZABLE' });
    await explore(program(true), { schedules: 100 });
  });
});

describe('histories', () => {
  test('have the types of what is called', () => {
    const history = new History(registerModel());
    const text = () => history.call('a', 'read', [], () => 'text');
    const promise = () => history.call('a', 'read', [], async () => [1]);
    const coroutine = () => history.call('a', 'read', [], () => new Queue<number>().get());
    expectTypeOf<Awaited<ReturnType<typeof text>>>().toEqualTypeOf<string>();
    expectTypeOf<Awaited<ReturnType<typeof promise>>>().toEqualTypeOf<number[]>();
    expectTypeOf<Awaited<ReturnType<typeof coroutine>>>().toEqualTypeOf<number>();
  });

  test('refuse what is no model, no function and no history', () => {
    expect(() => new History({} as never)).toThrow('a model { init, apply(state, operation) } is required');
    expect(() => new History(registerModel()).call('a', 'read', [], 5 as never)).toThrow(
      'a function is required, got 5',
    );
    expect(() => checkLinearizable([] as never)).toThrow('a History is required, got []');
    expect(() => checkLinearizable(new History(registerModel()), { max: 5 } as never)).toThrow(
      'write { maxStates: … }',
    );
  });
});
