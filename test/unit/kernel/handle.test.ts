import { ContextVar, copyContext, Handle, TimerHandle } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { manualLoop } from '../../support/loops.ts';

describe('a handle', () => {
  test('is what callSoon returns, and calls with the arguments that were given', () => {
    const { loop } = manualLoop();
    const calls: unknown[][] = [];
    const handle = loop.callSoon((...args: unknown[]) => calls.push(args), 1, 'two');
    expect(handle).toBeInstanceOf(Handle);
    loop.runOnce();
    expect(calls).toEqual([[1, 'two']]);
  });

  test('that is cancelled does not call', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    const handle = loop.callSoon(() => trace.push('called'));
    expect(handle.cancelled()).toBe(false);
    handle.cancel();
    handle.cancel();
    loop.runOnce();
    expect(handle.cancelled()).toBe(true);
    expect(trace).toEqual([]);
  });

  test('that has called can be cancelled, to no effect', () => {
    const { loop } = manualLoop();
    const handle = loop.callSoon(() => {});
    loop.runOnce();
    handle.cancel();
    expect(handle.cancelled()).toBe(true);
  });

  test('that is cancelled drops the function and its arguments', async () => {
    const { loop } = manualLoop();
    const schedule = () => {
      const callback = (_argument: object) => {};
      const argument = {};
      const timer = loop.callLater(1, callback, argument);
      return { timer, refs: [new WeakRef(callback), new WeakRef(argument)] };
    };
    const { timer, refs } = schedule();
    await collectGarbage();
    expect(refs.map((ref) => ref.deref() !== undefined)).toEqual([true, true]);
    timer.cancel();
    await collectGarbage();
    expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined]);
  });

  test('calls in a copy of the context that was current when it was made', () => {
    const { loop } = manualLoop();
    const variable = new ContextVar<string>('variable');
    const context = copyContext();
    const seen: string[] = [];
    const handle = context.run(() => {
      variable.set('before');
      const scheduled = loop.callSoon(() => {
        seen.push(variable.get());
        variable.set('inside');
      });
      variable.set('after');
      return scheduled;
    });
    loop.runOnce();
    expect(seen).toEqual(['before']);
    expect(handle.getContext().get(variable)).toBe('inside');
    expect(context.get(variable)).toBe('after');
  });

  test('calls in the very context that it was given', () => {
    const { loop, host } = manualLoop();
    const variable = new ContextVar<number>('variable', { default: 0 });
    const context = copyContext();
    const count = () => variable.set(variable.get() + 1);
    const handles = [
      loop.callSoonIn(context, count),
      loop.callLaterIn(context, 1, count),
      loop.callAtIn(context, 2, count),
    ];
    host.advance(2);
    loop.runOnce();
    expect(context.get(variable)).toBe(3);
    for (const handle of handles) expect(handle.getContext()).toBe(context);
  });
});

describe('the picture of a handle', () => {
  test('names the function', () => {
    const { loop } = manualLoop();
    expect(String(loop.callSoon(function save() {}))).toBe('<Handle save()>');
    expect(String(loop.callAt(7, function save() {}))).toBe('<TimerHandle when=7 save()>');
  });

  test('says that it was cancelled', () => {
    const { loop } = manualLoop();
    const handles = [loop.callSoon(function save() {}), loop.callAt(7, function save() {})];
    for (const handle of handles) handle.cancel();
    expect(handles.map(String)).toEqual(['<Handle cancelled>', '<TimerHandle cancelled when=7>']);
  });

  test('shows the arguments in debug mode, and its description from before it was cancelled', () => {
    using loop = manualLoop().loop;
    loop.setDebug(true);
    const handle = loop.callSoon(function save(..._args: unknown[]) {}, 'ada', 36);
    expect(String(handle)).toBe("<Handle save('ada', 36)>");
    handle.cancel();
    expect(String(handle)).toBe("<Handle save('ada', 36)>");
  });
});

describe('a timer handle', () => {
  test('knows the time of its call', () => {
    const { loop, host } = manualLoop();
    host.advance(100);
    expect(loop.callLater(5, () => {}).when()).toBe(105);
    expect(loop.callAt(5, () => {}).when()).toBe(5);
    expect(loop.callAt(5, () => {})).toBeInstanceOf(TimerHandle);
  });
});
