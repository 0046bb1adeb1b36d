import { type Coroutine, sleep, type Task } from 'asyncio-ts';
import { type SolidTask, useTask } from 'asyncio-ts/solid';
import { createEffect, createRoot } from 'solid-js';
import { render } from 'solid-js/web';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { document, pageLoop } from '../../../support/page.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { searching } from './searching.ts';

function mounted(s: Spelling, options: Parameters<typeof useTask>[1] = {}) {
  const { pass } = pageLoop();
  const { events, find } = searching(s);
  const element = document.createElement('main');
  let task: SolidTask<[string], string> | undefined;
  let renderings = 0;
  const unmount = render(() => {
    const search = useTask(find, options);
    task = search;
    const text = (): string => {
      renderings++;
      return `${search.status} ${search.value ?? '-'} ${search.waiting} ${search.isRunning}`;
    };
    return text as never; // Solid inserts what a function gives, again after each change
  }, element as never);
  return { events, task: task!, text: () => element.textContent, renderings: () => renderings, unmount, pass };
}

describeBoth('useTask() of Solid', (s) => {
  it('shows what its function does', async () => {
    const { task, text, pass, unmount } = mounted(s, { policy: 'queue' });
    expect(text()).toBe('idle - 0 false');
    task.run('a');
    task.run('bad');
    expect(text()).toBe('running - 1 true');
    await pass(1);
    expect(text()).toBe('running A 0 true');
    await pass(1);
    expect(text()).toBe('failed A 0 false');
    expect(String(task.error)).toBe('RangeError: bad');
    expect(task.state()).toMatchObject({ status: 'failed', value: 'A' });
    task.reset();
    expect(text()).toBe('idle - 0 false');
    unmount();
  });

  it('is cancelled when the component is disposed of, cleans up, renders no more, and refuses further calls', async () => {
    const { task, events, renderings, pass, unmount } = mounted(s);
    task.run('a');
    await pass(0.5);
    const before = renderings();
    unmount();
    await pass(5);
    expect(events).toEqual(['a begins', 'a ends aborted']);
    const late = task.run('b');
    await pass(5);
    expect([late.cancelled(), events.length, renderings()]).toEqual([true, 2, before]);
  });

  it('runs its calls to the end when nothing owns it', async () => {
    const { pass } = pageLoop();
    const { events, find } = searching(s);
    const alone = useTask(find);
    const seen: string[] = [];
    createRoot((dispose) => {
      createEffect(() => {
        seen.push(alone.status);
        if (alone.status === 'done') dispose();
      });
    });
    alone.run('a');
    await pass(5);
    expect(events).toEqual(['a begins', 'a ends']);
    expect(seen).toEqual(['idle', 'running', 'done']);
  });
});

describe('useTask() of Solid', () => {
  it('infers arguments and result, of async functions and of generator functions', () => {
    const load = useTask(async (id: number) => `${id}`);
    expectTypeOf(load.run).toEqualTypeOf<(id: number) => Task<string>>();
    expectTypeOf(load.value).toEqualTypeOf<string | undefined>();
    const count = useTask(function* (text: string): Coroutine<number> {
      yield* sleep(1);
      return text.length;
    });
    expectTypeOf(count.run).toEqualTypeOf<(text: string) => Task<number>>();
    const state = count.state();
    if (state.status === 'done') expectTypeOf(state.value).toEqualTypeOf<number>();
  });
});
