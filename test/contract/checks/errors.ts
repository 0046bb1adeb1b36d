import {
  CancelledError,
  createTask,
  ExceptionGroup,
  InvalidStateError,
  KeyboardInterrupt,
  LookupError,
  RuntimeError,
  SystemExit,
  sleep,
  TimeoutError,
  ValueError,
} from 'asyncio-ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check } = subject('errors');

check('each has the name of its class and a code', async () => {
  const errors = {
    CancelledError: [new CancelledError('m'), 'CANCELLED'],
    InvalidStateError: [new InvalidStateError('m'), 'INVALID_STATE'],
    TimeoutError: [new TimeoutError('m'), 'TIMED_OUT'],
    RuntimeError: [new RuntimeError('m'), 'RUNTIME'],
    ValueError: [new ValueError('m'), 'INVALID_VALUE'],
    LookupError: [new LookupError('m'), 'NOT_FOUND'],
    KeyboardInterrupt: [new KeyboardInterrupt('m'), 'INTERRUPTED'],
    ExceptionGroup: [new ExceptionGroup('m', [1]), 'EXCEPTION_GROUP'],
  } as const;
  for (const [name, [error, code]] of Object.entries(errors)) {
    ok(error instanceof Error, `${name} to be an Error`);
    equal([error.name, error.message, error.code, String(error)], [name, 'm', code, `${name}: m`]);
  }
  equal([new SystemExit(3).exitCode, new SystemExit('bad').exitCode, new SystemExit().exitCode], [3, 1, 0]);
});

check('they extend the built-in classes that they refine', async () => {
  ok(new ValueError() instanceof RangeError, 'ValueError to be a RangeError');
  ok(new ExceptionGroup('m', [1]) instanceof AggregateError, 'ExceptionGroup to be an AggregateError');
  const cause = new Error('cause');
  equal(new RuntimeError('m', { cause }).cause, cause);
  equal('cause' in new RuntimeError('m'), false);
});

check('a group is split and filtered by class or by function, at any depth', async () => {
  const [value, type, range] = [new ValueError('v'), new TypeError('t'), new RangeError('r')];
  const group = new ExceptionGroup('outer', [value, new ExceptionGroup('inner', [type, range])]);
  const [some, rest] = group.split(TypeError);
  const inner = (part: ExceptionGroup | null) => (part?.errors.at(-1) as ExceptionGroup | undefined)?.errors;
  equal([some?.message, some?.errors.length, inner(some)], ['outer', 1, [type]]);
  equal([rest?.errors[0], inner(rest)], [value, [range]]);
  equal(group.subgroup(LookupError), null);
  equal(inner(group.subgroup((error) => error === range)), [range]);
  throws(() => new ExceptionGroup('empty', []), ValueError, /at least one/);
});

check('the stack of an error leads to the function that threw it', async () => {
  await runVirtually(async () => {
    const task = createTask(async function thrower() {
      await sleep(1);
      throw new RangeError('where');
    });
    await sleep(1.25);
    ok(/thrower/.test((task.exception() as Error).stack ?? ''), 'the name of the function in the stack');
  });
});
