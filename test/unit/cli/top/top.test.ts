import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SeenTask } from '../../../../src/cli/attach/target.ts';
import { widthOf } from '../../../../src/cli/terminal/display.ts';
import { duration, render } from '../../../../src/cli/top/render.ts';
import { initialState, press, roomOf, type TopState, withLook, withSize } from '../../../../src/cli/top/top-state.ts';
import { lookOf, seen, wait, waitFor } from '../../../support/looks.ts';

const SIZE = [80, 24] as const;

function stateOf(tasks: readonly SeenTask[], mayWrite = false, size: readonly [number, number] = SIZE): TopState {
  return withLook(initialState(4711, mayWrite, ...size), lookOf(...tasks), []);
}

const linesOf = (state: TopState): string[] => render(state).map(({ text }) => text.trimEnd());

/** Presses keys, each by its name or by the text that it types. */
function pressed(state: TopState, ...keys: string[]): TopState {
  return keys.reduce((at, key) => pressOne(at, key).state, state);
}

function pressOne(state: TopState, key: string) {
  const isNamed = /^(?:up|down|page\w+|home|end|return|escape|backspace)$/.test(key);
  return press(state, { name: isNamed ? key : '', text: isNamed ? '\r' : key, ctrl: false });
}

const counts = (steps: number, running: number, still: number) => ({ counts: { steps, running, still } });
const three = [
  seen({ id: 1, name: 'main', waits: [waitFor(2, 3)], ...counts(0, 0, 9) }),
  seen({ id: 2, name: 'reader', waits: [wait({ operation: 'get', object: '<Queue>' })], ...counts(70, 0.25, 2) }),
  seen({
    id: 3,
    name: 'writer',
    state: 'scheduled',
    waits: [],
    frames: [{ name: 'flush', kind: 'function' }],
    ...counts(5, 61, 0.004),
  }),
];

describe('the screen of top', () => {
  test('shows tasks as a tree with their figures, the chosen one in full, and the keys', () => {
    const lines = linesOf(stateOf(three));
    expect(lines.slice(0, 7)).toEqual([
      'asyncio top  process 4711  3 tasks, 1 ready, 2 waiting',
      '',
      'TASK                  STATE         STEPS    TIME   STILL WAITS FOR',
      'main                  waiting           0       0   >9.0s reader and writer of …',
      '├─ reader             waiting          70   250ms    2.0s get() of <Queue>',
      '└─ writer             ready             5   1m01s     4ms flush()',
      '',
    ]);
    expect(lines.slice(-3)).toEqual([
      'main  main()',
      'waits for reader and writer of its task group',
      'q quit  ↑↓ move  / search  f filter  v state  s sort  p pause  ? help',
    ]);
  });

  test('has room for more where the terminal is wide', () => {
    const [, , heading, row] = linesOf(stateOf(three, false, [120, 24]));
    expect(heading).toBe('TASK                                      STATE         STEPS    TIME   STILL WAITS FOR');
    expect(row).toBe(
      'main                                      waiting           0       0   >9.0s reader and writer of its task group',
    );
  });

  test('says how many tasks there are where only the first ones are shown', () => {
    const state = withLook(stateOf(three), { tasks: three, total: 100_000 }, []);
    expect(linesOf(state)[0]).toMatch(/the first 3 of 100000 tasks/);
  });

  test('tells a deadlock above the tasks', () => {
    const state = withLook(stateOf(three), lookOf(...three), ['deadlock: a → b → a', 'deadlock: c → c']);
    expect(linesOf(state)[1]).toBe('deadlock: a → b → a  (and 1 more)');
  });

  test('shows no figures before anything is counted', () => {
    expect(linesOf(stateOf([seen({ id: 1 })]))[3]).toMatch(/^t1 +waiting +- +- +- sleep\(\)$/);
  });

  test('has as many lines as the terminal, none of them wider, whatever is in names and texts', () => {
    const text = fc
      .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 200 })
      .map((codes) => String.fromCodePoint(...codes));
    const keys = fc.array(fc.constantFrom('s', 'v', 'down', 'end', 'k', '?', 'p', '/', 'f', 'return', 'x'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        text,
        text,
        keys,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (name, object, typed, columns, lines) => {
          const tasks = [
            seen({ id: 1, name, waits: [waitFor(2)] }),
            seen({ id: 2, name, waits: [wait({ object, operation: name })] }),
          ];
          const state = pressed(stateOf(tasks, true, [columns, lines]), ...typed);
          const screen = render(state);
          expect(screen).toHaveLength(lines);
          for (const line of screen) {
            expect(widthOf(line.text)).toBeLessThanOrEqual(columns);
            expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(line.text)).toBe(false);
          }
        },
      ),
    );
  });

  test('keeps a name of 10 kB within its column', () => {
    const [, , , row] = linesOf(stateOf([seen({ id: 1, name: '名'.repeat(10_000) })]));
    expect(row).toMatch(/^名{10}… waiting/);
  });

  test('says so where it is too small', () => {
    expect(linesOf(stateOf(three, false, [30, 24]))[0]).toBe('too small: 30 × 24');
  });
});

describe('the keys of top', () => {
  const many = Array.from({ length: 50 }, (_, i) => seen({ id: i + 1, name: `task-${i + 1}` }));
  const chosen = (state: TopState): string | undefined => state.rows.find(({ id }) => id === state.selected)?.name;
  const shown = (state: TopState): string[] => state.rows.map(({ name }) => name);

  test('move through the tasks, and the screen follows', () => {
    const state = stateOf(many);
    expect(chosen(state)).toBe('task-1');
    expect(chosen(pressed(state, 'down', 'down', 'up'))).toBe('task-2');
    expect(chosen(pressed(state, 'up'))).toBe('task-1');
    const end = pressed(state, 'end');
    expect([chosen(end), end.first]).toEqual(['task-50', 50 - roomOf(state)]);
    expect(chosen(pressed(end, 'pageup'))).toBe(`task-${50 - roomOf(state)}`);
    expect(pressed(end, 'home').first).toBe(0);
    expect(linesOf(end).some((line) => line.startsWith('task-50 '))).toBe(true);
  });

  test('search goes on from the chosen task, around the end, and back', () => {
    const state = pressed(stateOf(many), ...'/TASK-4', 'return');
    expect(chosen(state)).toBe('task-4');
    expect(chosen(pressed(state, 'n'))).toBe('task-40');
    expect(chosen(pressed(state, 'N'))).toBe('task-49');
    expect(pressed(state, ...'/nothing', 'return').message).toBe("nothing has 'nothing'");
    expect(chosen(pressed(state, ...'/49', 'backspace', 'return'))).toBe('task-4');
    expect(chosen(pressed(state, ...'/49', 'escape'))).toBe('task-4');
  });

  test('a filter keeps what has the text, with the tasks above it, until Esc', () => {
    const state = pressed(stateOf(three), ...'fflus');
    expect(state.rows.map(({ name, isContext }) => [name, isContext])).toEqual([
      ['main', true],
      ['writer', false],
    ]);
    expect(shown(pressed(state, 'return'))).toEqual(['main', 'writer']);
    expect(shown(pressed(state, 'return', 'f', 'escape'))).toEqual(['main', 'reader', 'writer']);
    expect(shown(pressed(state, 'x'))).toEqual([]);
    expect(linesOf(pressed(state, 'x'))[0]).toContain("with 'flusx'");
  });

  test('sort by each figure, the largest first, and by name', () => {
    let state = stateOf(three);
    const orders = ['time', 'steps', 'still', 'name', 'tree'].map((order) => {
      state = pressed(state, 's');
      return [order, state.order, ...shown(state)];
    });
    expect(orders).toEqual([
      ['time', 'time', 'writer', 'reader', 'main'],
      ['steps', 'steps', 'reader', 'writer', 'main'],
      ['still', 'still', 'main', 'reader', 'writer'],
      ['name', 'name', 'main', 'reader', 'writer'],
      ['tree', 'tree', 'main', 'reader', 'writer'],
    ]);
  });

  test('show only some states', () => {
    const state = pressed(stateOf(three), 'v');
    expect(state.rows.filter(({ isContext }) => !isContext).map(({ name }) => name)).toEqual(['writer']);
    expect(linesOf(state)[0]).toContain('only active');
  });

  test('pause and help say so, and go back', () => {
    expect(linesOf(pressed(stateOf(three), 'p'))[0]).toContain('PAUSED');
    expect(pressed(stateOf(three), 'p', ' ').isPaused).toBe(false);
    expect(linesOf(pressed(stateOf(three), '?'))[0]).toBe('Keys');
    expect(linesOf(pressed(stateOf(three), '?', 'x'))[0]).toContain('asyncio top');
  });

  test('quit by q and Ctrl-C, also while something is typed', () => {
    expect(pressOne(stateOf(three), 'q').action).toEqual({ kind: 'quit' });
    expect(press(pressed(stateOf(three), '/'), { name: 'c', text: '\x03', ctrl: true }).action).toEqual({
      kind: 'quit',
    });
    expect(pressOne(pressed(stateOf(three), '/'), 'q').action).toBe(null);
  });

  test('cancel nothing where top is read-only', () => {
    const { state, action } = pressOne(stateOf(three), 'k');
    expect([state.asking, action]).toEqual([null, null]);
    expect(linesOf(state).at(-1)).toBe('read-only: asyncio top --write allows to cancel');
    expect(linesOf(state).join()).not.toContain('k cancel');
  });

  test('cancel the chosen task after a yes, and only then', () => {
    const asking = pressed(stateOf(three, true), 'down', 'k');
    expect(linesOf(asking).at(-1)).toBe('cancel reader? y cancels it, any other key does not');
    expect(pressOne(asking, 'y').action).toEqual({ kind: 'cancel', id: 2 });
    expect(pressOne(asking, 'return').action).toBe(null);
    expect(pressOne(asking, 'n').state.message).toBe('not cancelled');
  });

  test('the choice stays with its task, and goes to what stands there when that has ended', () => {
    const state = pressed(stateOf(three), 'down');
    expect(chosen(withLook(state, lookOf(seen({ id: 9, name: 'new' }), ...three), []))).toBe('reader');
    expect(chosen(withLook(state, lookOf(three[0]!, three[2]!), []))).toBe('writer');
    expect(chosen(withLook(state, lookOf(), []))).toBe(undefined);
  });

  test('the chosen task stays on the screen when that gets smaller', () => {
    const state = withSize(pressed(stateOf(many), 'end'), 80, 12);
    expect(linesOf(state).some((line) => line.startsWith('task-50 '))).toBe(true);
  });
});

test('times have at most six characters', () => {
  const times = [0, 0.004, 0.9996, 59.96, 61, 3_599, 3_600, 90_061, 1e7];
  expect(times.map(duration)).toEqual(['0', '4ms', '1.0s', '1m00s', '1m01s', '59m59s', '1h00m', '25h01m', '115d']);
});
