import {
  Context,
  ContextVar,
  copyContext,
  createTask,
  gather,
  getRunningLoop,
  LookupError,
  RuntimeError,
  run,
  sleep,
  ValueError,
  wrapPromise,
} from 'asyncio-ts';
import { equal, throws } from '../lib/expect.ts';
import { later, manualLoop, runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth, program } = subject('contexts');

check('a variable has a value, a fallback or a default, or it throws', async () => {
  const variable = new ContextVar<number>('v');
  throws(() => variable.get(), LookupError);
  equal([variable.get(1), new ContextVar('d', { default: 2 }).get()], [1, 2]);
  copyContext().run(() => {
    const token = variable.set(3);
    equal(variable.get(), 3);
    variable.reset(token);
    equal(variable.get(0), 0);
    throws(() => variable.reset(token), RuntimeError, /already been used/);
  });
});

check('a context keeps its own values', async () => {
  const variable = new ContextVar('v', { default: 'outside' });
  const context = copyContext();
  equal(
    context.run((value: string) => {
      variable.set(value);
      return variable.get();
    }, 'inside'),
    'inside',
  );
  equal([variable.get(), context.get(variable), context.has(variable), context.size], ['outside', 'inside', true, 1]);
  const copy = context.copy();
  copy.run(() => variable.set('copy'));
  equal([copy.get(variable), context.get(variable)], ['copy', 'inside']);
});

check('a context cannot be entered twice, and a token is of one context', async () => {
  const variable = new ContextVar<number>('v');
  const context = new Context();
  context.run(() => {
    throws(() => context.run(() => {}), RuntimeError, /already entered/);
    new Context().run(() => throws(() => context.run(() => {}), RuntimeError, /already entered/));
  });
  const token = context.run(() => variable.set(1));
  throws(() => new Context().run(() => variable.reset(token)), ValueError, /different Context/);
});

check('a callback runs in the context of where it was scheduled', async () => {
  const { loop } = manualLoop();
  const variable = new ContextVar('v', { default: 'none' });
  const trace: string[] = [];
  const note = (): void => {
    trace.push(variable.get());
  };
  const future = loop.createFuture<void>();
  new Context().run(() => {
    variable.set('soon');
    loop.callSoon(note);
    variable.set('timer');
    loop.callLater(0, note);
    variable.set('done');
    future.addDoneCallback(note);
  });
  const given = new Context();
  given.run(() => variable.set('given'));
  loop.callSoonIn(given, note);
  loop.runOnce();
  future.setResult();
  loop.runOnce();
  equal(trace.toSorted(), ['done', 'given', 'soon', 'timer']);
});

program('a task gets a copy: only the task sees the values that it sets', function* (s) {
  const variable = new ContextVar('v', { default: 'main' });
  const child = s.fn(function* (name: string) {
    const found = [variable.get()];
    variable.set(name);
    yield* s.wait(sleep(1));
    found.push(variable.get());
    return found;
  });
  variable.set('parent');
  const tasks = [createTask(() => child('a')), createTask(() => child('b'))] as const;
  variable.set('changed later');
  equal(
    [yield* s.wait(tasks[0]), yield* s.wait(tasks[1])],
    [
      ['parent', 'a'],
      ['parent', 'b'],
    ],
  );
  equal(variable.get(), 'changed later');
});

program('a context given to a task is shared with it', function* (s) {
  const variable = new ContextVar('v', { default: 'none' });
  const context = copyContext();
  const work = s.fn(function* () {
    variable.set('by the task');
    yield* s.wait(sleep(0));
  });
  const task = createTask(work, { context });
  yield* s.wait(task);
  equal([context.get(variable), variable.get(), task.getContext() === context], ['by the task', 'none', true]);
});

program('a coroutine that is awaited shares the context of its task', function* (s) {
  const variable = new ContextVar('v', { default: 0 });
  const inner = s.fn(function* () {
    variable.set(variable.get() + 1);
    yield* s.wait(sleep(0));
    variable.set(variable.get() + 1);
  });
  yield* s.wait(inner());
  equal(variable.get(), 2);
});

checkBoth('values stay apart when tasks take turns in real time', async (s) => {
  const variable = new ContextVar('v', { default: '' });
  const work = s.fn(function* (name: string) {
    variable.set(name);
    for (let i = 0; i < 3; i++) {
      yield* s.wait(sleep(0.001));
      yield* s.wait(wrapPromise(later(1)));
      equal(variable.get(), name);
    }
    return name;
  });
  const main = s.fn(function* () {
    return yield* s.wait(
      gather(
        () => work('a'),
        () => work('b'),
        () => work('c'),
      ),
    );
  });
  equal(await run(main), ['a', 'b', 'c']);
});

check('an exception handler runs in the context of the task concerned', async () => {
  const variable = new ContextVar('v', { default: 'none' });
  const found: string[] = [];
  await runVirtually(async () => {
    getRunningLoop().setExceptionHandler(() => {
      found.push(variable.get());
    });
    createTask(async () => {
      variable.set('task');
      throw new Error('nobody looks');
    });
    await sleep(1);
  });
  equal(found, ['task']);
});
