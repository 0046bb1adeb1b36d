import { createTask, Event, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { closeInspector, enter, type Inside, type Scope, type Tools } from '../../../../src/cli/attach/inside.ts';
import { makeLens } from '../../../../src/inspect/lens.ts';
import { viewsOfThisCopy } from '../../../../src/kernel/lowlevel.ts';
import { runVirtually } from '../../../support/spellings.ts';

/** A process whose clock and timers a test moves. */
class FakeProcess {
  seconds = 0;
  closed = 0;
  isOpen = true;
  readonly intervals = new Set<() => void>();
  readonly immediates: (() => void)[] = [];
  readonly timeouts: (() => void)[] = [];
  readonly scope: Scope;

  constructor(hasLoop = true) {
    const timers = {
      setImmediate: (callback: () => void) => {
        this.immediates.push(callback);
        return { unref: () => {} };
      },
      setTimeout: (callback: () => void) => {
        this.timeouts.push(callback);
        return { unref: () => {} };
      },
      setInterval: (callback: () => void) => {
        this.intervals.add(callback);
        return { callback, unref: () => {} };
      },
      clearInterval: ({ callback }: { callback: () => void }) => this.intervals.delete(callback),
    };
    const inspector = {
      url: () => (this.isOpen ? 'ws://' : undefined),
      close: () => {
        this.isOpen = false;
        this.closed++;
      },
    };
    const process = {
      versions: { node: '26.0.0' },
      hrtime: (): [number, number] => [this.seconds, 0],
      getBuiltinModule: (name: string) => (name === 'node:timers' ? timers : inspector),
    };
    const registry = hasLoop ? { copies: [{ views: viewsOfThisCopy() }] } : undefined;
    this.scope = { process, [Symbol.for('asyncio-ts')]: registry } as never;
  }

  enter(token: string, hasOpened: boolean) {
    return enter(this.scope, makeLens, token, hasOpened, 30);
  }

  user(token: string): Inside {
    return (this.scope as Scope & Record<symbol, Tools>)[Symbol.for('asyncio-ts.tools')]!.users.get(token)!;
  }

  /** The loop of the process runs for some seconds. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.seconds++;
      for (const callback of this.immediates.splice(0)) callback();
      for (const callback of [...this.intervals]) callback();
    }
  }
}

describe('the part of a tool inside the process that it looks at', () => {
  test('tells where there is no loop', () => {
    expect(new FakeProcess(false).enter('a', true)).toEqual({ problem: 'no loop', runtime: 'Node' });
    expect(new FakeProcess().enter('a', true)).toEqual({ problem: null, runtime: 'Node' });
  });

  test('needs nothing but its arguments: its text can be sent to the process', () => {
    const sent = new Function(`return ${String(enter)}`)() as typeof enter;
    expect(sent(new FakeProcess().scope, makeLens, 'a', true, 30).problem).toBe(null);
  });

  test('has the inspector closed by the last tool, and only if a tool has opened it', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    process.enter('b', false);
    expect(process.user('a').leave()).toBe(false);
    expect(process.user('b').leave()).toBe(true);
    closeInspector(process.scope, process.scope.process.getBuiltinModule, 'a');
    expect(process.closed).toBe(1);
    process.enter('c', false); // somebody else has opened it since
    expect(process.user('c').leave()).toBe(false);
  });

  test('keeps the inspector open when another tool comes while the last one leaves', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    expect(process.user('a').leave()).toBe(true);
    process.enter('b', false);
    closeInspector(process.scope, process.scope.process.getBuiltinModule, 'a');
    expect(process.closed).toBe(0);
    expect(process.user('b').leave()).toBe(true);
  });

  test('closes the inspector again when a signal that came before opens it once more, but not the one that a new tool uses', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    process.user('a').leave();
    closeInspector(process.scope, process.scope.process.getBuiltinModule, 'a');
    process.isOpen = true;
    // Each immediate runs in an iteration of its own.
    for (let turn = 0; turn < 2; turn++) for (const run of process.immediates.splice(0)) run();
    expect([process.isOpen, process.closed]).toEqual([false, 2]);
    process.isOpen = true;
    process.enter('b', false); // it has found the inspector open
    for (const run of process.timeouts.splice(0)) run();
    expect([process.isOpen, process.closed]).toEqual([true, 2]);
    expect(process.user('b').leave()).toBe(true);
  });

  test('is one user where a tool comes twice because its first connection ended before it had an answer', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    process.enter('a', true);
    expect(process.intervals.size).toBe(1);
    expect(process.user('a').leave()).toBe(true);
    process.enter('a', true); // it was interrupted and has not heard that it is inside
    closeInspector(process.scope, process.scope.process.getBuiltinModule, 'a');
    expect([process.closed, process.intervals.size]).toEqual([1, 0]);
  });

  test('leaves by itself when its tool has said nothing for 30 seconds, and closes the inspector', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    process.pass(20);
    process.user('a').begin();
    process.pass(30);
    expect(process.closed).toBe(0);
    process.pass(1);
    expect([process.closed, process.intervals.size, process.user('a')]).toEqual([1, 0, undefined]);
  });

  test('counts only while its tool is there', async () => {
    await runVirtually(async () => {
      const process = new FakeProcess();
      process.enter('a', true);
      const user = process.user('a');
      const counts = () => {
        user.begin();
        return user.page(0, {}).tasks[0]!.counts;
      };
      user.count();
      expect(counts()).toBe(null); // the process may be in the midst of a step: not before its loop is free
      process.pass(1);
      await sleep(1);
      expect(counts()).toMatchObject({ steps: 1 });
      user.leave();
      process.pass(1);
      await sleep(1);
      process.enter('b', true);
      process.user('b').begin();
      expect(process.user('b').page(0, {}).tasks[0]!.counts).toBe(null);
    });
  });

  test('counts nothing where its tool has left before the loop was free', () => {
    const process = new FakeProcess();
    process.enter('a', true);
    const user = process.user('a');
    user.count();
    user.leave();
    expect(() => process.pass(2)).not.toThrow();
  });

  test('cancels a task when the loop is free, and tells whether it is there', async () => {
    await runVirtually(async () => {
      const process = new FakeProcess();
      process.enter('a', false);
      const user = process.user('a');
      const task = createTask(new Event().wait(), { name: 'victim' });
      await sleep(1);
      user.begin();
      const { id } = user.page(0, {}).tasks.find(({ name }) => name === 'victim')!;
      expect([user.cancel(id, 'by a test'), user.cancel(999, 'nobody')]).toEqual([true, false]);
      expect(task.cancelling()).toBe(0);
      process.pass(1);
      await expect(task).rejects.toThrow('by a test');
    });
  });
});
