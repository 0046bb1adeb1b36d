import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../src/playground/compile.ts';
import type { Line } from '../src/playground/messages.ts';
import { importer } from '../src/playground/modules.ts';
import { MOST_LINES, Output } from '../src/playground/output.ts';
import { PacedClock, PacedHost, timersOf } from '../src/playground/paced-host.ts';
import { carriedBy, carrying } from '../src/playground/program-link.ts';
import { hintsFor, looksLikePython } from '../src/playground/python.ts';
import { errorLines, shown } from '../src/playground/show.ts';
import { timeText } from '../src/playground/time-text.ts';
import { carrying as carryingAtBuild } from './lib/runnable.ts';

/** A clock whose surroundings a test moves by hand. */
function handMade(options: { speed?: number; paused?: boolean } = {}) {
  const turns: (() => void)[] = [];
  const waits: { callback: () => void; milliseconds: number }[] = [];
  const clock = new PacedClock(
    {
      afterMicrotasks: (callback) => turns.push(callback),
      later(callback, milliseconds) {
        const wait = { callback, milliseconds };
        waits.push(wait);
        return () => {
          waits.splice(waits.indexOf(wait), 1);
        };
      },
      moved() {},
    },
    { speed: options.speed ?? 1, paused: options.paused ?? false },
  );
  const settle = () => {
    while (turns.length > 0) turns.shift()!();
  };
  /** Lets the next real wait end; gives its milliseconds. */
  const pass = (): number | undefined => {
    settle();
    const wait = waits.shift();
    wait?.callback();
    settle();
    return wait?.milliseconds;
  };
  return { clock, settle, pass, waits };
}

test('time goes from one due time to the next, in their order, and stands still in between', () => {
  const { clock, pass } = handMade();
  const seen: string[] = [];
  clock.at(2, () => seen.push(`b at ${clock.now}`));
  clock.at(1, () => seen.push(`a at ${clock.now}`));
  clock.at(2, () => seen.push(`c at ${clock.now}`));
  assert.equal(pass(), 1_000);
  assert.deepEqual(seen, ['a at 1']);
  assert.equal(pass(), 1_000);
  assert.deepEqual(seen, ['a at 1', 'b at 2', 'c at 2']);
  assert.equal(pass(), undefined);
});

test('time can be slower, faster, and changed while it passes', () => {
  const { clock, pass, settle } = handMade({ speed: 0.1 });
  clock.at(1, () => {});
  settle();
  clock.speed = 4;
  assert.equal(pass(), 250);
  clock.at(2, () => {});
  clock.speed = Number.POSITIVE_INFINITY;
  assert.equal(pass(), 0);
  assert.equal(clock.now, 2);
});

test('a paused clock moves by steps alone, and goes on when it is resumed', () => {
  const { clock, pass, settle } = handMade({ paused: true });
  const seen: number[] = [];
  for (const when of [1, 2, 3]) clock.at(when, () => seen.push(when));
  assert.equal(pass(), undefined);
  clock.step();
  settle();
  assert.deepEqual(seen, [1]);
  clock.resume();
  assert.equal(pass(), 1_000);
  clock.pause();
  assert.equal(pass(), undefined);
  assert.deepEqual(seen, [1, 2]);
});

test('no time passes while something is left to run', () => {
  const { clock, settle, waits } = handMade();
  const seen: string[] = [];
  clock.at(1, () => seen.push('later'));
  clock.soon(() => {
    seen.push('soon');
    clock.soon(() => seen.push('then'));
  });
  settle();
  assert.deepEqual(seen, ['soon', 'then']);
  assert.equal(waits.length, 1);
});

test('an error of a callback does not stop the clock', () => {
  const { clock, settle, pass } = handMade();
  let seen = false;
  clock.at(1, () => {
    throw new Error('in a callback');
  });
  clock.at(2, () => {
    seen = true;
  });
  assert.throws(() => pass(), /in a callback/);
  settle();
  pass();
  assert.ok(seen);
});

test('a host takes a wish back, and replaces one by another', () => {
  const { clock, pass } = handMade();
  const host = new PacedHost(clock);
  let turns = 0;
  const turn = () => turns++;
  host.at(5, turn);
  host.at(1, turn);
  assert.equal(pass(), 1_000);
  assert.equal(turns, 1);
  host.at(9, turn);
  host.at(null, turn);
  assert.equal(pass(), undefined);
  assert.equal(host.time(), 1);
});

test('timers of JavaScript follow the clock', () => {
  const { clock, pass } = handMade();
  const timers = timersOf(clock);
  const seen: unknown[] = [];
  timers.setTimeout((...args) => seen.push(args), 20, 'a', 1);
  const never = timers.setTimeout(() => seen.push('never'), 10);
  timers.clearTimeout(never);
  const every = timers.setInterval(() => {
    seen.push(clock.now);
    if (seen.length > 2) timers.clearTimeout(every);
  }, 30);
  for (let round = 0; round < 5; round++) pass();
  assert.deepEqual(seen, [['a', 1], 0.03, 0.06]);
});

test('a program survives the way through a link, whoever makes it', async () => {
  const code = "// ü, 漢字, 🙂\nconsole.log('x');\n".repeat(50);
  assert.deepEqual(await carriedBy(await carrying(code)), { kind: 'program', code });
  assert.deepEqual(await carriedBy(carryingAtBuild(code)), { kind: 'program', code });
  assert.deepEqual(await carriedBy(''), { kind: 'nothing' });
  assert.deepEqual(await carriedBy('#a-heading'), { kind: 'nothing' });
});

test('a damaged link is told from a whole one', async () => {
  const whole = await carrying("console.log('a program of some length', 1, 2, 3);");
  for (const damaged of [whole.slice(0, -4), `${whole}%20`, '#code=', '#code=AAAA', '#code=<script>']) {
    const carried = await carriedBy(damaged);
    assert.equal(carried.kind, 'damaged', damaged);
  }
  const huge = await carriedBy(carryingAtBuild('x'.repeat(1_000_000)));
  assert.deepEqual(huge, { kind: 'damaged', why: 'the program in it is longer than 200 kB' });
});

test('Python is recognised, and TypeScript that talks of it is not', () => {
  const python = 'import asyncio\n\nasync def main():\n    print("x")\n\nasyncio.run(main())\n';
  assert.ok(looksLikePython(python));
  assert.ok(looksLikePython('async def f(x):\n    async with asyncio.timeout(1):\n        await g()'));
  assert.ok(
    !looksLikePython("import { run } from 'asyncio-ts';\n// as asyncio.run(main()) does\nawait run(async () => {});"),
  );
  assert.ok(!looksLikePython('const a = { if: 1 };\nlabel:\nfor (;;) break label;'));
  assert.deepEqual(hintsFor(python).filter((line) => line.includes('await run(main);')).length, 1);
});

test('types are left out, and lines stay where they are', () => {
  const compiled = compile(
    "import { run, type Task } from 'asyncio-ts';\n\ninterface A { b: number }\nconst a: A = { b: 1 };\nrun(a);",
  );
  assert.equal(compiled.kind, 'code');
  const lines = compiled.kind === 'code' ? compiled.code.split('\n') : [];
  assert.equal(lines.length, 5);
  assert.ok(lines[3]!.includes('const a') && !lines[3]!.includes(': A'));
});

test('what is no program has a line', () => {
  const compiled = compile('const a = 1;\nconst = 2;');
  assert.ok(compiled.kind === 'problem' && /^line 2: /.test(compiled.lines[0]!), JSON.stringify(compiled));
});

test('imports that are not there say so, with the name that may be meant', () => {
  const load = importer({ 'asyncio-ts': { createTask: 1, sleep: 2 } });
  const module = load('asyncio-ts') as Record<string, unknown>;
  assert.equal(module['sleep'], 2);
  assert.equal(module['default'], undefined);
  assert.throws(() => module['create_task'], /no export named create_task\. Did you mean createTask\?/);
  assert.throws(() => module['xyz'], /no export named xyz\.$/);
  assert.throws(
    () => load('left-pad'),
    /'left-pad' cannot be imported here\. Programs of the playground can import 'asyncio-ts'/,
  );
  assert.throws(() => load('node:fs'), /module of Node/);
  assert.throws(() => load('./other.ts'), /single file/);
  assert.throws(() => module['slep'], /no export named slep\. Did you mean sleep\?/);
});

test('values are shown much as Node shows them', () => {
  assert.equal(shown(['a', 1, -0, 2n, true, null, undefined]), 'a 1 -0 2n true null undefined');
  assert.equal(shown([[1, 'two', [3]], { a: 1, 'b-c': "it's" }]), `[ 1, 'two', [ 3 ] ] { a: 1, 'b-c': "it's" }`);
  assert.equal(shown([new Map([['a', 1]]), new Set([1]), [], {}]), "Map(1) { 'a' => 1 } Set(1) { 1 } [] {}");
  const circle: unknown[] = [];
  circle.push(circle);
  assert.equal(shown([circle]), '[ [Circular] ]');
  assert.equal(shown([Array(200).fill(0)]).match(/100 more/)?.length, 1);
  assert.ok(shown(['x'.repeat(20_000)]).length < 11_000);
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no');
      },
    },
  );
  assert.equal(shown([hostile]), '[a value that throws when it is read]');
});

test('a clock is idle when nothing is due and no turn is asked for', () => {
  const { clock, settle } = handMade();
  assert.equal(clock.isIdle, true);
  const takeBack = clock.at(1, () => {});
  assert.equal(clock.isIdle, false);
  takeBack();
  assert.equal(clock.isIdle, true);
  clock.soon(() => {});
  assert.equal(clock.isIdle, false);
  settle();
  assert.equal(clock.isIdle, true);
});

test('values and errors that throw when they are read are shown all the same', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('get');
      },
      getPrototypeOf() {
        throw new Error('prototype');
      },
    },
  );
  assert.equal(shown([hostile, 1]), '[a value that throws when it is read] 1');
  assert.deepEqual(
    errorLines(hostile, () => null),
    ['Uncaught [a value that throws when it is read]'],
  );
  const named = new Proxy(() => {}, {
    get() {
      throw new Error('name');
    },
  });
  assert.equal(shown([named]), '[a value that throws when it is read]');
});

test('an error is told with its line, and with the errors in it', () => {
  const error = new AggregateError([new RangeError('too far'), 'a string'], 'several');
  const lines = errorLines(error, () => 3);
  assert.deepEqual(lines, [
    'AggregateError: several (line 3)',
    '  RangeError: too far (line 3)',
    '  Uncaught a string',
  ]);
});

test('of a million lines the first ones are sent, and the others counted', () => {
  const sent: Line[] = [];
  let dropped = 0;
  const output = new Output(
    (lines, count) => {
      sent.push(...lines);
      dropped = count;
    },
    () => 0,
  );
  for (let line = 0; line < 1_000_000; line++) output.add({ kind: 'log', text: `${line}` });
  output.flush();
  assert.equal(sent.length, MOST_LINES);
  assert.equal(dropped, 1_000_000 - MOST_LINES);
  assert.equal(sent[0]?.text, '0');
});

test('the first lines are sent at once, before a program that never gives way', () => {
  const sent: string[] = [];
  const output = new Output(
    (lines) => sent.push(...lines.map(({ text }) => text)),
    () => 0,
  );
  output.add({ kind: 'log', text: 'before' });
  assert.deepEqual(sent, ['before']);
});

test('times have the digits that count', () => {
  assert.deepEqual([0, 0.3, 2, 2.0000012, 3_600, 0.00025].map(timeText), [
    '0 s',
    '300 ms',
    '2 s',
    '2 s',
    '3600 s',
    '250 µs',
  ]);
});
