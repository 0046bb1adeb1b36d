import { type Coroutine, sleep, type Task } from 'asyncio-ts';
import { type SvelteTask, useTask } from 'asyncio-ts/svelte';
import { flushSync, mount, unmount } from 'svelte';
import { get } from 'svelte/store';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { document, pageLoop } from '../../../support/page.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import Search from './Search.svelte';
import { searching } from './searching.ts';

function mounted(s: Spelling, options: Parameters<typeof useTask>[1] = {}) {
  const { pass } = pageLoop();
  const { events, find } = searching(s);
  const element = document.createElement('main');
  let task: SvelteTask<[string], string> | undefined;
  const onTask = (made: SvelteTask<[string], string>) => {
    task = made;
  };
  const component = mount(Search, { target: element as never, props: { find, options, onTask } });
  return {
    events,
    task: task!,
    text() {
      flushSync();
      return element.textContent;
    },
    unmount: () => unmount(component),
    pass,
  };
}

describeBoth('useTask() of Svelte', (s) => {
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
    expect(String(get(task).error)).toBe('RangeError: bad');
    task.reset();
    expect(text()).toBe('idle - 0 false');
    await unmount();
  });

  it('is cancelled when the component is destroyed, cleans up, and refuses further calls', async () => {
    const { task, events, pass, unmount } = mounted(s);
    task.run('a');
    await pass(0.5);
    await unmount();
    await pass(5);
    expect(events).toEqual(['a begins', 'a ends aborted']);
    const late = task.run('b');
    await pass(5);
    expect([late.cancelled(), events.length]).toEqual([true, 2]);
  });

  it('lives on when it is made outside of a component, whoever subscribes to it', async () => {
    const { pass } = pageLoop();
    const { events, find } = searching(s);
    const store = useTask(find);
    const seen: string[] = [];
    const unsubscribe = store.subscribe(({ status }) => seen.push(status));
    store.run('a');
    await pass(1);
    store.run('b');
    unsubscribe();
    expect(get(store).value).toBe('A');
    await pass(1);
    expect(get(store).value).toBe('B');
    expect(seen).toEqual(['idle', 'running', 'done', 'running']);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });
});

describe('useTask() of Svelte', () => {
  it('infers arguments and result, of async functions and of generator functions', () => {
    const load = useTask(async (id: number) => `${id}`);
    expectTypeOf(load.run).toEqualTypeOf<(id: number) => Task<string>>();
    expectTypeOf(get(load).value).toEqualTypeOf<string | undefined>();
    const count = useTask(function* (text: string): Coroutine<number> {
      yield* sleep(1);
      return text.length;
    });
    expectTypeOf(count.run).toEqualTypeOf<(text: string) => Task<number>>();
    const state = get(count);
    if (state.status === 'done') expectTypeOf(state.value).toEqualTypeOf<number>();
  });
});
