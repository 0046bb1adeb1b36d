import { type Coroutine, gather, sleep, type Task } from 'asyncio-ts';
import { useTask, type VueCall, type VueTask } from 'asyncio-ts/vue';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type ComputedRef,
  createApp,
  createSSRApp,
  effectScope,
  h,
  KeepAlive,
  nextTick,
  onDeactivated,
  onMounted,
  onServerPrefetch,
  reactive,
  ref,
  watch,
} from 'vue';
import { renderToString } from 'vue/server-renderer';
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

  it('keeps what is returned by event handlers, hooks and watchers from being reported by Vue', async () => {
    const { loop, pass } = pageLoop();
    const reports: string[] = [];
    loop.unretrievedAfter = 0.5; // as in a page
    loop.setExceptionHandler((_loop, { exception }) => reports.push(String(exception)));
    const { events, find } = searching(s);
    const told: string[] = [];
    const city = ref('');
    const isShown = ref(true);
    const element = document.createElement('main');
    const app = createApp({
      setup() {
        const { run, error, status } = useTask(find);
        onMounted(() => run('mounted'));
        watch(city, (text) => run(text));
        return () => h('button', { onClick: () => run('click') }, isShown.value ? String(error.value) : status.value);
      },
    });
    app.config.errorHandler = (error, _instance, where) => told.push(`${error} in ${where}`);
    app.mount(element);
    await pass(0.5);
    city.value = 'watched';
    await pass(0.5);
    element.querySelector('button')!.click();
    await pass(2);
    city.value = 'bad';
    await pass(5);
    expect(element.textContent).toBe('RangeError: bad');
    expect([...told, ...reports]).toEqual([]); // the page shows it

    isShown.value = false;
    city.value = '';
    await pass(5);
    city.value = 'bad';
    await pass(5);
    expect(element.textContent).toBe('failed');
    expect({ told, reports }).toEqual({ told: [], reports: ['RangeError: bad'] }); // once, because nobody has looked
    element.querySelector('button')!.click();
    await pass(0.5);
    app.unmount();
    await pass(5);
    expect(told).toEqual([]);
    expect(events.at(-1)).toBe('click ends aborted');
  });

  it('gives tasks that can be awaited, and handed to functions that take tasks', async () => {
    const { pass } = pageLoop();
    const { find } = searching(s);
    const { run } = useTask(find, { policy: 'queue' });
    const call = run('a');
    const ends = Promise.all([
      call,
      run('b').then((text) => `${text}!`),
      run('bad').then(null, String),
      gather([run('c')]),
      call.finally(() => {}),
    ]);
    await pass(5);
    expect(await ends).toEqual(['A', 'B!', 'RangeError: bad', ['C'], 'A']);
  });

  it('is awaited by a server that renders it, in onServerPrefetch', async () => {
    const { pass } = pageLoop();
    const { find } = searching(s);
    const app = createSSRApp({
      setup() {
        const { run, value } = useTask(find);
        onServerPrefetch(() => run('a'));
        return () => h('p', value.value);
      },
    });
    const html = renderToString(app);
    await pass(1);
    expect(await html).toBe('<p>A</p>');
  });

  it('may be made reactive() as a whole, so that no property needs .value', async () => {
    const { pass } = pageLoop();
    const search = reactive(useTask(searching(s).find));
    search.run('a');
    expect([search.isRunning, search.value, search.status]).toEqual([true, undefined, 'running']);
    await pass(1);
    expect([search.isRunning, search.value, search.status, search.state.status]).toEqual([false, 'A', 'done', 'done']);
  });

  it('goes on while <KeepAlive> keeps the component, unless it is told to stop when the component leaves', async () => {
    const { pass } = pageLoop();
    const { events, find } = searching(s);
    const shown = ref('on');
    const inCase = (name: string, stops: boolean) => ({
      name,
      setup() {
        const { run, cancel } = useTask(find);
        onMounted(() => run(name));
        if (stops) onDeactivated(() => cancel());
        return () => name;
      },
    });
    const [goingOn, stopping] = [inCase('on', false), inCase('off', true)];
    const app = createApp(() =>
      h(KeepAlive, () => (shown.value === 'on' ? h(goingOn) : shown.value === 'off' ? h(stopping) : null)),
    );
    app.mount(document.createElement('main'));
    await pass(0.5);
    shown.value = 'off';
    await pass(0.25);
    shown.value = '';
    await pass(5);
    expect(events).toEqual(['on begins', 'off begins', 'off ends aborted', 'on ends']);
    app.unmount();
  });
});

describe('useTask() of Vue', () => {
  it('infers arguments and result, of async functions and of generator functions', () => {
    const load = useTask(async (id: number) => `${id}`);
    expectTypeOf(load.run).toEqualTypeOf<(id: number) => VueCall<string>>();
    expectTypeOf(load.run).toExtend<(id: number) => Task<string>>();
    expectTypeOf(load.value).toEqualTypeOf<ComputedRef<string | undefined>>();
    const count = useTask(function* (text: string): Coroutine<number> {
      yield* sleep(1);
      return text.length;
    });
    expectTypeOf(count.run).toEqualTypeOf<(text: string) => VueCall<number>>();
    if (count.state.value.status === 'done') expectTypeOf(count.state.value.value).toEqualTypeOf<number>();
  });

  it('has no catch() in the type of a call either', () => {
    pageLoop();
    const call = useTask(async () => {}).run();
    // @ts-expect-error: Vue would take it for a promise
    expect(() => call.catch(() => {})).toThrow(TypeError);
    call.cancel();
  });
});
