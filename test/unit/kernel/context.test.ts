import { Context, ContextVar, copyContext, currentTask, LookupError, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Runs a function in a context of its own, so that tests do not see each other's values. */
function isolated<R>(fn: () => R): R {
  return new Context().run(fn);
}

describe('a context variable', () => {
  test('gives its value, else the fallback, else its default', () => {
    const variable = new ContextVar('variable', { default: 'default' });
    isolated(() => {
      expect([variable.get(), variable.get('fallback')]).toEqual(['default', 'fallback']);
      variable.set('value');
      expect([variable.get(), variable.get('fallback')]).toEqual(['value', 'value']);
    });
  });

  test('without any of them is a LookupError that names it', () => {
    const variable = new ContextVar<string>('user');
    const error = isolated(() => thrownBy(() => variable.get()));
    expect(error).toBeInstanceOf(LookupError);
    expect((error as Error).message).toContain("<ContextVar name='user'>");
    expect(isolated(() => variable.get('fallback'))).toBe('fallback');
  });

  test('may have undefined and null as value, default and fallback', () => {
    const variable = new ContextVar<string | null | undefined>('variable', { default: undefined });
    isolated(() => {
      expect(variable.get()).toBe(undefined);
      expect(variable.get(null)).toBe(null);
      variable.set(null);
      expect(variable.get('fallback')).toBe(null);
      variable.set(undefined);
      expect(variable.get('fallback')).toBe(undefined);
    });
  });

  test('is not the same as another one of its name', () => {
    const variables = [new ContextVar<number>('same'), new ContextVar<number>('same')];
    isolated(() => {
      variables[0]?.set(1);
      expect(() => variables[1]?.get()).toThrow(LookupError);
    });
  });

  test('must have a name', () => {
    expect(() => new ContextVar(1 as never)).toThrow(TypeError);
  });
});

describe('a token', () => {
  const variable = new ContextVar<string>('variable');

  test('takes the variable back to the value before the set', () => {
    isolated(() => {
      variable.set('first');
      const token = variable.set('second');
      expect([token.variable === variable, token.hadValue]).toEqual([true, true]);
      variable.set('third');
      variable.reset(token);
      expect(variable.get()).toBe('first');
    });
  });

  test('takes it back to having none', () => {
    isolated(() => {
      const token = variable.set('first');
      expect(token.hadValue).toBe(false);
      variable.reset(token);
      expect(() => variable.get()).toThrow(LookupError);
    });
  });

  test('can be used once', () => {
    isolated(() => {
      const token = variable.set('value');
      expect(String(token)).toBe("<Token var=<ContextVar name='variable'>>");
      variable.reset(token);
      expect(String(token)).toBe("<Token used var=<ContextVar name='variable'>>");
      expect(() => variable.reset(token)).toThrow(
        expect.objectContaining({ name: 'RuntimeError', code: 'TOKEN_USED' }),
      );
    });
  });

  test('is good for its own variable only', () => {
    isolated(() => {
      const token = variable.set('value');
      const other = new ContextVar<string>('other');
      expect(() => other.reset(token)).toThrow(
        expect.objectContaining({ name: 'ValueError', code: 'TOKEN_OF_OTHER_VARIABLE' }),
      );
      variable.reset(token);
    });
  });

  test('is good in its own context only, not in a copy', () => {
    isolated(() => {
      const token = variable.set('value');
      const otherContext = expect.objectContaining({ name: 'ValueError', code: 'TOKEN_OF_OTHER_CONTEXT' });
      expect(() => copyContext().run(() => variable.reset(token))).toThrow(otherContext);
      variable.reset(token);
    });
  });
});

describe('Context.run', () => {
  const variable = new ContextVar('variable', { default: 'default' });

  test('calls with the arguments, and gives what the function returns', () => {
    expect(new Context().run((a: number, b: number) => a + b, 1, 2)).toBe(3);
  });

  test('keeps values that are set inside in the context', () => {
    isolated(() => {
      const context = copyContext();
      context.run(() => variable.set('inside'));
      expect([variable.get(), context.get(variable)]).toEqual(['default', 'inside']);
      expect(context.run(() => variable.get())).toBe('inside');
    });
  });

  test('lets errors out, and the context is left', () => {
    const context = new Context();
    const error = new Error('no');
    const fail = () => {
      throw error;
    };
    isolated(() => {
      variable.set('outside');
      expect(thrownBy(() => context.run(fail))).toBe(error);
      expect(variable.get()).toBe('outside');
      expect(context.run(() => variable.get())).toBe('default');
    });
  });

  test('refuses a context that is entered already, however deep', () => {
    const context = new Context();
    const entered = expect.objectContaining({ name: 'RuntimeError', code: 'CONTEXT_ENTERED' });
    const again = () => context.run(() => {});
    expect(() => context.run(again)).toThrow(entered);
    expect(() => context.run(() => new Context().run(again))).toThrow(entered);
    expect(again).not.toThrow(); // it has been left since
  });
});

describe('a context', () => {
  const variable = new ContextVar<number>('variable', { default: 0 });
  const other = new ContextVar<number>('other');

  test('is empty when it is new', () => {
    const context = new Context();
    expect([context.size, [...context], context.has(variable), context.get(variable)]).toEqual([0, [], false, null]);
  });

  test('can be asked for the variables that have a value; defaults do not count', () => {
    const context = new Context();
    context.run(() => {
      variable.set(1);
      other.set(2);
    });
    expect([...context]).toEqual([
      [variable, 1],
      [other, 2],
    ]);
    expect([...context.keys()]).toEqual([variable, other]);
    expect([context.size, context.has(other), context.get(other)]).toEqual([2, true, 2]);
    expect(new Context().get(variable, 'fallback')).toBe('fallback');
  });

  test('and its copy have nothing in common but their values', () => {
    const context = new Context();
    context.run(() => variable.set(1));
    const copy = context.copy();
    context.run(() => variable.set(2));
    copy.run(() => other.set(3));
    expect([context.get(variable), copy.get(variable)]).toEqual([2, 1]);
    expect([context.has(other), copy.has(other)]).toEqual([false, true]);
  });

  test('shows how many variables it has', () => {
    const context = new Context();
    expect(String(context)).toBe('<Context 0 variables>');
    context.run(() => variable.set(1));
    expect(String(context)).toBe('<Context 1 variable>');
  });
});

describe('the context outside any loop', () => {
  test('is one for the thread', () => {
    const variable = new ContextVar<string>('variable');
    const token = variable.set('of the thread');
    expect([variable.get(), copyContext().get(variable)]).toEqual(['of the thread', 'of the thread']);
    variable.reset(token);
  });
});

describeBoth('Context.run inside a task', (s) => {
  const variable = new ContextVar('variable', { default: 'default' });

  test('is a context inside that of the task, before and after a wait', async () => {
    const { loop, drain } = manualLoop();
    const inside = () => {
      const before = variable.get();
      variable.set('inside');
      return [before, variable.get()];
    };
    const main = s.fn(function* () {
      variable.set('task');
      const seen = [copyContext().run(inside), variable.get()];
      yield* s.wait(sleep(0));
      return [...seen, copyContext().run(inside), variable.get()];
    });
    const task = loop.createTask(main);
    await drain();
    expect(task.result()).toEqual([['task', 'inside'], 'task', ['task', 'inside'], 'task']);
  });

  test('refuses the context of the task itself, before and after a wait', async () => {
    const { loop, drain } = manualLoop();
    const enter = () =>
      currentTask()!
        .getContext()
        .run(() => 'entered');
    const entered = expect.objectContaining({ code: 'CONTEXT_ENTERED' });
    const main = s.fn(function* () {
      expect(enter).toThrow(entered);
      expect(() => new Context().run(enter)).toThrow(entered);
      yield* s.wait(sleep(0));
      expect(enter).toThrow(entered);
      expect(() => new Context().run(enter)).toThrow(entered);
    });
    const task = loop.createTask(main);
    await drain();
    expect(task.exception()).toBe(null);
    expect(task.getContext().run(() => 'left')).toBe('left');
  });
});
