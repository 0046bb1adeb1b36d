import { EventEmitter } from 'node:events';
import {
  ContextVar,
  copyContext,
  coroutine,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R7: what a callback sets is its own; what a line sets is its task's, unless the task waits elsewhere meanwhile. */

const user = new ContextVar<string>('user', { default: 'nobody' });

describeBoth('a context variable', (s) => {
  test(
    'that a helper sets is seen by its caller, also inside a deadline and a group',
    program(s, function* () {
      user.set('main');
      const login = s.fn(function* (name: string) {
        yield* s.wait(sleep(1));
        user.set(name);
        yield* s.wait(sleep(1));
      });
      yield* s.wait(coroutine(login)('ada'));
      expect(user.get()).toBe('ada');
      yield* s.wait(timeout(10, () => login('bob')));
      expect(user.get()).toBe('bob');
      yield* s.wait(taskGroup(() => login('eve')));
      expect(user.get()).toBe('eve');
    }),
  );

  test(
    'that the body of a construct sets is seen after it, also while a branch has just begun to wait in one',
    program(s, function* () {
      const branch = s.fn(function* () {
        yield* s.wait(timeout(10, () => sleep(2)));
      });
      const setting = s.fn(function* (name: string) {
        user.set(name);
        return yield* s.wait(sleep(0));
      });
      const constructs = [
        (name: string) => timeout(10, () => setting(name)),
        (name: string) => taskGroup(() => setting(name)),
      ];
      for (const [i, construct] of constructs.entries()) {
        user.set('main');
        const task = createTask(branch);
        const beside = (async () => await timeout(10, async () => await sleep(1)))();
        yield* s.wait(construct(`body ${i}`));
        expect(user.get()).toBe(`body ${i}`);
        yield* s.wait(task);
        yield* s.wait(wrapPromise(beside));
      }
    }),
  );

  test(
    'that a task sets stays in it, and a task begins with the values of where it is made',
    program(s, function* () {
      user.set('main');
      const child = s.fn(function* () {
        const before = user.get();
        user.set('child');
        yield* s.wait(sleep(1));
        return [before, user.get()];
      });
      const task = createTask(child);
      user.set('main, later');
      expect(yield* s.wait(task)).toEqual(['main', 'child']);
      expect(user.get()).toBe('main, later');
      const both = yield* s.wait(gather(child, child));
      expect(both).toEqual([
        ['main, later', 'child'],
        ['main, later', 'child'],
      ]);
      expect(user.get()).toBe('main, later');
    }),
  );

  test(
    'that a callback of the loop sets stays in the context that it was given, or in its copy of the present one',
    program(s, function* () {
      user.set('main');
      const context = copyContext();
      getRunningLoop().callSoonIn(context, () => user.set('callback'));
      getRunningLoop().callSoon(() => user.set('another'));
      yield* s.wait(sleep(1));
      expect([user.get(), context.get(user)]).toEqual(['main', 'callback']);
    }),
  );
});

describe('what a callback of the runtime sets', () => {
  test(
    'is seen by that flow alone, along all that it awaits',
    simulated(async ({ timer, foreign }) => {
      user.set('main');
      const seen: string[] = [];
      for (const name of ['ann', 'bob']) {
        timer(1, async () => {
          seen.push(user.get());
          user.set(name);
          await sleep(name === 'ann' ? 3 : 1);
          seen.push(user.get());
          await foreign(3);
          seen.push(user.get());
          await (async () => {
            user.set(`${name} again`);
            await sleep(0);
          })();
          seen.push(user.get());
        });
      }
      await sleep(20);
      expect(user.get()).toBe('main');
      expect(seen).toEqual(['main', 'main', 'bob', 'ann', 'bob', 'bob again', 'ann', 'ann again']);
    }),
  );

  test(
    'is not seen by the next call of the same handler',
    simulated(async ({ timer }) => {
      user.set('main');
      const emitter = new EventEmitter();
      const seen: string[] = [];
      emitter.on('x', async (name: string) => {
        seen.push(user.get());
        user.set(name);
        await sleep(0.1);
        seen.push(user.get());
      });
      timer(1, () => emitter.emit('x', 'ann'));
      timer(2, () => emitter.emit('x', 'bob'));
      await sleep(5);
      expect(seen).toEqual(['main', 'ann', 'main', 'bob']);
      expect(user.get()).toBe('main');
    }),
  );

  test(
    'is seen by the tasks that it makes, and theirs is not seen by it',
    simulated(async ({ timer, foreign }) => {
      user.set('main');
      const seen: unknown[] = [];
      timer(1, async () => {
        user.set('handler');
        await createTask(async () => {
          seen.push(user.get());
          user.set('its task');
        });
        await timeout(5, async () => {
          seen.push(user.get());
        });
        seen.push(user.get());
      });
      await foreign(10);
      expect(seen).toEqual(['handler', 'handler', 'handler']);
    }),
  );

  test(
    'begins with the values that its task has when it is called',
    simulated(async ({ timer }) => {
      user.set('when it was registered');
      const seen: string[] = [];
      timer(5, () => seen.push(user.get()));
      await sleep(1);
      user.set('when it is called');
      await sleep(10);
      expect(seen).toEqual(['when it is called']);
    }),
  );

  test(
    'is not seen by the callback that has made it, and begins with what that one had',
    simulated(async ({ timer }) => {
      user.set('main');
      const seen: unknown[] = [];
      timer(1, async () => {
        user.set('ann');
        for (const name of ['bob', 'cal']) {
          timer(1, async () => {
            const before = user.get();
            user.set(name);
            await sleep(1);
            seen.push([before, user.get()]);
          });
        }
        await sleep(5);
        seen.push(user.get());
      });
      await sleep(20);
      expect([...seen, user.get()]).toEqual([['ann', 'bob'], ['ann', 'cal'], 'ann', 'main']);
    }),
  );
});

describe('what a line sets', () => {
  test(
    'after a foreign promise is seen by its caller',
    simulated(async ({ foreign }) => {
      user.set('main');
      const login = async () => {
        await foreign(1);
        user.set('logged in');
      };
      await login();
      expect(user.get()).toBe('logged in');
      await timeout(10, async () => {
        await foreign(1);
        user.set('inside a deadline');
        await foreign(1);
      });
      expect(user.get()).toBe('inside a deadline');
      await sleep(1);
      expect(user.get()).toBe('inside a deadline');
    }),
  );

  test(
    'while its task already waits elsewhere is seen by it alone',
    simulated(async ({ foreign }) => {
      user.set('main');
      const seen: string[] = [];
      const floating = async () => {
        await foreign(1);
        user.set('floating');
        await sleep(3);
        seen.push(user.get());
        await foreign(1);
        seen.push(user.get());
      };
      void floating();
      await sleep(2);
      expect(user.get()).toBe('main');
      await sleep(10);
      expect(user.get()).toBe('main');
      expect(seen).toEqual(['floating', 'floating']);
    }),
  );

  test(
    'in a then callback while its task already waits elsewhere is seen by it alone',
    simulated(async ({ foreign }) => {
      user.set('main');
      const seen: string[] = [];
      const chained = foreign(1).then(async () => {
        user.set('chained');
        await sleep(1);
        seen.push(user.get());
      });
      await sleep(5);
      expect(user.get()).toBe('main');
      await chained;
      expect(seen).toEqual(['chained']);
    }),
  );

  for (const [when, before] of [
    ['behind a promise that is settled', async () => {}],
    ['in a later step', () => sleep(1)],
  ] as const) {
    test(
      `after a call in the same segment has begun to wait is its own, and that of what it starts from then on: ${when}`,
      simulated(async () => {
        user.set('main');
        await before();
        const seen: Record<string, string> = {};
        const poll = async () => {
          await sleep(1);
          seen['poll'] = user.get();
        };
        const polling = poll();
        user.set('after the call');
        const task = createTask(async () => {
          seen['task'] = user.get();
        });
        await sleep(2);
        await task;
        await polling;
        expect(user.get()).toBe('after the call');
        expect(seen).toEqual({ poll: 'main', task: 'after the call' });
      }),
    );
  }

  test(
    'after a call in the same segment has begun to wait is its own: in the first step of a task as well',
    simulated(async () => {
      user.set('main');
      const seen: string[] = [];
      const poll = async () => {
        await sleep(1);
        seen.push(user.get());
      };
      const task = createTask(async () => {
        const polling = poll();
        user.set('after the call');
        await polling;
        seen.push(user.get());
      });
      await task;
      expect(seen).toEqual(['main', 'after the call']);
    }),
  );

  test(
    'before a call begins to wait is seen by the call',
    simulated(async () => {
      user.set('main');
      const seen: string[] = [];
      const call = async () => {
        await sleep(1);
        seen.push(user.get());
      };
      user.set('before the call');
      await call();
      expect(seen).toEqual(['before the call']);
    }),
  );

  test(
    'in a step of its own is seen by its siblings: branches of one task share its variables',
    simulated(async () => {
      user.set('main');
      const setting = async () => {
        await sleep(1);
        user.set('a branch');
        await sleep(2);
      };
      const looking = async () => {
        await sleep(2);
        return user.get();
      };
      expect(await Promise.all([setting(), looking()])).toEqual([undefined, 'a branch']);
      expect(user.get()).toBe('a branch');
    }),
  );

  test(
    'as a task is not seen by its siblings: that is the remedy',
    simulated(async () => {
      user.set('main');
      const setting = async () => {
        await sleep(1);
        user.set('a task');
        await sleep(2);
        return user.get();
      };
      const looking = async () => {
        await sleep(2);
        return user.get();
      };
      expect(await gather(setting, looking)).toEqual(['a task', 'main']);
      expect(user.get()).toBe('main');
    }),
  );

  test(
    'can be put back by the token where it was set',
    simulated(async ({ timer }) => {
      user.set('main');
      const seen: string[] = [];
      timer(1, async () => {
        const token = user.set('handler');
        await sleep(1);
        seen.push(user.get());
        user.reset(token);
        seen.push(user.get());
      });
      await sleep(5);
      expect(seen).toEqual(['handler', 'main']);
    }),
  );
});
