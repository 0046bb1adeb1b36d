import { CancelledError, type Coroutine, sleep, type Task } from 'asyncio-ts';
import { type ReactTask, useTask } from 'asyncio-ts/react';
import {
  Activity,
  act,
  Component,
  createElement,
  type ReactNode,
  StrictMode,
  Suspense,
  startTransition,
  use,
  useEffect,
  useLayoutEffect,
  useState,
} from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, type Mock, vi } from 'vitest';
import { document, pageLoop } from '../../../support/page.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { searching } from './searching.ts';

let complaints: Mock<(...data: unknown[]) => void>;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  expect(complaints.mock.calls).toEqual([]);
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A page with a component in it, and a clock. */
async function mounted(node: ReactNode) {
  const { pass } = pageLoop();
  const element = document.createElement('main');
  const root = createRoot(element as never);
  await act(async () => root.render(node));
  return {
    text: () => element.textContent,
    pass: (seconds: number) => act(() => pass(seconds)),
    render: (next: ReactNode) => act(async () => root.render(next)),
    unmount: () => act(async () => root.unmount()),
  };
}

/** A component that shows what a search does, and hands its controls out. */
function searchIn(s: Spelling, options: Parameters<typeof useTask>[1] = {}) {
  const { events, find } = searching(s);
  const found: { task: ReactTask<[string], string> | null; renderings: number } = { task: null, renderings: 0 };
  function Search({ at = null }: { readonly at?: string | null }): ReactNode {
    const task = useTask(find, options);
    const { run, status, value } = task;
    found.task = task;
    found.renderings++;
    useEffect(() => {
      if (at !== null) run(at);
    }, [run, at]);
    return `${status} ${value ?? '-'}`;
  }
  return { events, found, Search };
}

describeBoth('useTask() of React', (s) => {
  it('shows what its function does', async () => {
    const { found, Search } = searchIn(s);
    const page = await mounted(createElement(Search));
    expect(page.text()).toBe('idle -');
    const { run } = found.task!;
    await act(async () => void run('a'));
    expect(page.text()).toBe('running -');
    await page.pass(1);
    expect(page.text()).toBe('done A');
    expect(found.task!.run).toBe(run);
    await act(async () => void run('bad'));
    await page.pass(1);
    expect(page.text()).toBe('failed A');
    expect(String(found.task!.error)).toBe('RangeError: bad');
    expect(found.renderings).toBe(5);
  });

  it('is cancelled when the component unmounts, cleans up, renders no more, and refuses further calls', async () => {
    const { events, found, Search } = searchIn(s);
    const page = await mounted(createElement(Search, { at: 'a' }));
    await page.pass(0.5);
    const { renderings } = found;
    await page.unmount();
    await page.pass(5);
    expect(events).toEqual(['a begins', 'a ends aborted']);
    const late = found.task!.run('b');
    await page.pass(5);
    expect(() => late.result()).toThrow(CancelledError);
    expect([events.length, found.renderings]).toEqual([2, renderings]);
  });

  it.each(['restart', 'latest', 'queue', 'drop'] as const)(
    'runs what an effect starts under StrictMode, with the policy %s',
    async (policy) => {
      const { events, Search } = searchIn(s, { policy });
      const page = await mounted(createElement(StrictMode, null, createElement(Search, { at: 'a' })));
      expect(page.text()).toBe('running -');
      await page.pass(5);
      expect(page.text()).toBe('done A');
      // Of the first mounting nothing has begun: it was cancelled in the same moment.
      expect(events).toEqual(['a begins', 'a ends']);
      await page.unmount();
    },
  );

  it('runs what the effects of children start, also under StrictMode', async () => {
    const { events, found, Search } = searchIn(s, { policy: 'queue' });
    function Child({ run }: { readonly run: (text: string) => Task<string> }): ReactNode {
      useLayoutEffect(() => {
        run('layout');
      }, [run]);
      useEffect(() => {
        run('effect');
      }, [run]);
      return null;
    }
    function Parent(): ReactNode {
      const text = Search({});
      return [text, createElement(Child, { key: 'child', run: found.task!.run })];
    }
    const page = await mounted(createElement(StrictMode, null, createElement(Parent)));
    await page.pass(5);
    expect(events.filter((event) => event.endsWith('ends'))).toEqual(['layout ends', 'effect ends']);
    expect(page.text()).toBe('done EFFECT');
    await page.unmount();
  });

  it('calls the function of the latest rendering that was committed', async () => {
    let begin: (() => Task<string>) | null = null;
    const never = new Promise<never>(() => {});
    function Slow({ text }: { readonly text: string }): ReactNode {
      if (text === 'c') use(never);
      return text;
    }
    let show: (text: string) => void = () => {};
    function Page(): ReactNode {
      const [text, setText] = useState('a');
      show = setText;
      const { run, value } = useTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          return text;
        }),
      );
      begin = run;
      return createElement(Suspense, null, createElement(Slow, { text }), value ?? '-');
    }
    const page = await mounted(createElement(Page));
    await act(async () => show('b'));
    // This one is rendered, and is not committed.
    await act(async () => startTransition(() => show('c')));
    await act(async () => void begin!());
    await page.pass(1);
    expect(page.text()).toBe('bb');
    await page.unmount();
  });

  it('throws what a call has failed with when an error boundary is to show it', async () => {
    class Boundary extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
      override state = { error: null };
      static getDerivedStateFromError(error: unknown) {
        return { error };
      }
      override render(): ReactNode {
        return this.state.error === null ? this.props.children : `caught ${this.state.error}`;
      }
    }
    const { found, Search } = searchIn(s, { throwOnError: (error) => error instanceof RangeError });
    const page = await mounted(createElement(Boundary, null, createElement(Search)));
    await act(async () => void found.task!.run('bad'));
    await page.pass(1);
    expect(page.text()).toBe('caught RangeError: bad');
    expect(complaints.mock.calls.flat().join()).toContain('RangeError: bad');
    complaints.mockClear();
  });

  it('leaves errors that throwOnError does not want in the state', async () => {
    const { found, Search } = searchIn(s, { throwOnError: (error) => error instanceof TypeError });
    const page = await mounted(createElement(Search));
    await act(async () => void found.task!.run('bad'));
    await page.pass(1);
    expect(page.text()).toBe('failed -');
    await page.unmount();
  });

  it('is cancelled while an <Activity> hides the component, and runs again when it shows it', async () => {
    const { events, Search } = searchIn(s);
    const inMode = (mode: 'visible' | 'hidden') =>
      createElement(Activity, { mode, children: createElement(Search, { at: 'a' }) });
    const page = await mounted(inMode('visible'));
    await page.pass(0.5);
    await page.render(inMode('hidden'));
    await page.pass(5);
    expect(events).toEqual(['a begins', 'a ends aborted']);
    await page.render(inMode('visible'));
    await page.pass(1);
    expect(events.slice(2)).toEqual(['a begins', 'a ends']);
    expect(page.text()).toBe('done A');
    await page.unmount();
  });

  it('is called although an <Activity> hides the component, and its result is there when it is shown', async () => {
    const { events, found, Search } = searchIn(s);
    const inMode = (mode: 'visible' | 'hidden') =>
      createElement(Activity, { mode, children: createElement(Search, {}) });
    const page = await mounted(inMode('visible'));
    await page.render(inMode('hidden'));
    await act(async () => void found.task!.run('a'));
    await page.pass(1);
    expect(events).toEqual(['a begins', 'a ends']);
    await page.render(inMode('visible'));
    expect(page.text()).toBe('done A');
    await page.unmount();
  });

  it('goes on while a <Suspense> around the component shows its fallback', async () => {
    const { events, found, Search } = searchIn(s);
    const never = new Promise<never>(() => {});
    function Neighbour({ waits }: { readonly waits: boolean }): ReactNode {
      if (waits) use(never);
      return null;
    }
    const around = (waits: boolean) =>
      createElement(Suspense, { fallback: 'loading' }, createElement(Search), createElement(Neighbour, { waits }));
    const page = await mounted(around(false));
    await act(async () => void found.task!.run('a'));
    await page.render(around(true));
    await page.pass(1);
    expect(page.text()).toContain('loading');
    await page.render(around(false));
    expect(page.text()).toBe('done A');
    expect(events).toEqual(['a begins', 'a ends']);
    await page.unmount();
  });

  it('reports nothing when an action starts calls that cancel each other, and does not return them', async () => {
    const reported = vi.fn();
    vi.stubGlobal('reportError', reported);
    const { found, Search } = searchIn(s);
    const page = await mounted(createElement(Search));
    for (const text of ['a', 'b']) {
      await act(async () => {
        startTransition(() => {
          found.task!.run(text);
        });
      });
      await page.pass(0.5);
    }
    await page.pass(1);
    expect(page.text()).toBe('done B');
    expect(reported).not.toHaveBeenCalled();
    await page.unmount();
  });

  it('takes over what a server has rendered without a difference', async () => {
    const { pass } = pageLoop();
    const { Search } = searchIn(s);
    const element = document.createElement('main');
    element.innerHTML = renderToString(createElement(Search, { at: 'a' }));
    const differences: unknown[] = [];
    const root = await act(async () =>
      hydrateRoot(element as never, createElement(Search, { at: 'a' }), {
        onRecoverableError: (error) => differences.push(error),
      }),
    );
    await act(() => pass(1));
    expect(element.textContent).toBe('done A');
    expect(differences).toEqual([]);
    await act(async () => root.unmount());
  });

  it('is idle on a server', () => {
    const { events, Search } = searchIn(s);
    expect(renderToString(createElement(Search, { at: 'a' }))).toBe('idle -');
    expect(events).toEqual([]);
  });
});

describe('useTask() of React', () => {
  it('infers arguments and result, of async functions and of generator functions', () => {
    function Types(): ReactNode {
      const load = useTask(async (id: number, deep?: boolean) => `${id} ${deep}`);
      expectTypeOf(load.run).toEqualTypeOf<(id: number, deep?: boolean) => Task<string>>();
      expectTypeOf(load.value).toEqualTypeOf<string | undefined>();
      const { status, value, error } = load;
      if (status === 'done') expectTypeOf(value).toEqualTypeOf<string>();
      if (status === 'failed') expectTypeOf(error).toEqualTypeOf<unknown>();
      const count = useTask(function* (text: string): Coroutine<number> {
        yield* sleep(1);
        return text.length;
      });
      expectTypeOf(count.run).toEqualTypeOf<(text: string) => Task<number>>();
      const bare = useTask(function* () {
        return yield* sleep(1, 'x');
      });
      expectTypeOf(bare.run).toEqualTypeOf<() => Task<string>>();
      // @ts-expect-error: there is no such policy
      expect(() => useTask(async () => {}, { policy: 'last' })).toThrow('policy must be');
      return 'rendered';
    }
    expect(renderToString(createElement(Types))).toBe('rendered');
  });
});
