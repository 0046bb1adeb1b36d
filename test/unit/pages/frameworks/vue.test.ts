import { type Coroutine, sleep, type Task } from 'asyncio-ts';
import { useTask, type VueTask } from 'asyncio-ts/vue';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type ComputedRef, createApp, effectScope, h, nextTick } from 'vue';
import { document, pageLoop } from '../../../support/page.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { searching } from './searching.ts';

async function mounted(s: Spelling, options: Parameters<typeof useTask>[1] = {}) {
  const { pass } = pageLoop();
  const { events, find } = searching(s);
  const element = document.createElement('main');
  let task: VueTask<[string], string> | undefined;
  let renderings = 0;
  const app = createApp({
    setup() {
      task = useTask(find, options);
      const { status, value, waiting, isRunning } = task;
      return () => {
        renderings++;
        return h('p', `${status.value} ${value.value ?? '-'} ${waiting.value} ${isRunning.value}`);
      };
    },
  });
  app.mount(element);
  return {
    events,
    task: task!,
    text: () => element.textContent,
    renderings: () => renderings,
    unmount: () => app.unmount(),
    async pass(seconds: number) {
      await pass(seconds);
      await nextTick();
    },
  };
}

describeBoth('useTask() of Vue', (s) => {
  it('shows what its function does', async () => {
    const { task, text, pass, unmount } = await mounted(s, { policy: 'queue' });
    expect(text()).toBe('idle - 0 false');
    task.run('a');
    task.run('bad');
    await nextTick();
    expect(text()).toBe('running - 1 true');
    await pass(1);
    expect(text()).toBe('running A 0 true');
    await pass(1);
    expect(text()).toBe('failed A 0 false');
    expect(String(task.error.value)).toBe('RangeError: bad');
    expect(task.state.value).toMatchObject({ status: 'failed', value: 'A' });
    task.reset();
    await nextTick();
    expect(text()).toBe('idle - 0 false');
    unmount();
  });

  it('is cancelled when the component unmounts, cleans up, renders no more, and refuses further calls', async () => {
    const { task, events, renderings, pass, unmount } = await mounted(s);
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

  it('ends with its effect scope, and without one when it is told to', async () => {
    const { pass } = pageLoop();
    const { events, find } = searching(s);
    const scope = effectScope();
    const inScope = scope.run(() => useTask(find))!;
    const alone = useTask(find);
    inScope.run('a');
    alone.run('b');
    await pass(0.5);
    scope.stop();
    await pass(5);
    expect(events).toEqual(['a begins', 'b begins', 'a ends aborted', 'b ends']);
    expect(alone.value.value).toBe('B');
  });
});

describe('useTask() of Vue', () => {
  it('infers arguments and result, of async functions and of generator functions', () => {
    const load = useTask(async (id: number) => `${id}`);
    expectTypeOf(load.run).toEqualTypeOf<(id: number) => Task<string>>();
    expectTypeOf(load.value).toEqualTypeOf<ComputedRef<string | undefined>>();
    const count = useTask(function* (text: string): Coroutine<number> {
      yield* sleep(1);
      return text.length;
    });
    expectTypeOf(count.run).toEqualTypeOf<(text: string) => Task<number>>();
    if (count.state.value.status === 'done') expectTypeOf(count.state.value.value).toEqualTypeOf<number>();
  });
});
