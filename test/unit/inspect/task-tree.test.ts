import { createTask, Event, gather, Lock, shield, sleep, taskGroup } from 'asyncio-ts';
import { captureTasks, TaskGraph, type TaskSnapshot } from 'asyncio-ts/inspect';
import { describe, expect, test } from 'vitest';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** The tree of a program after a second, one line a task, indented by its depth. */
async function treeOf(s: Spelling, main: () => Generator<unknown, unknown, unknown>): Promise<string[]> {
  return linesOf(await tasksOf(s, main));
}

function linesOf(tasks: readonly TaskSnapshot[]): string[] {
  return new TaskGraph(tasks)
    .rows()
    .map(({ task, depth, isRepeated }) => `${'  '.repeat(depth)}${task.name}${isRepeated ? ' (again)' : ''}`);
}

async function tasksOf(s: Spelling, main: () => Generator<unknown, unknown, unknown>): Promise<TaskSnapshot[]> {
  const { result } = await runVirtually(
    s.fn(function* () {
      const program = createTask(s.fn(main), { name: 'Task-1' });
      yield* s.wait(sleep(1));
      const tasks = captureTasks().filter(({ name }) => name !== 'looker');
      program.cancel();
      return tasks;
    }),
    { name: 'looker' },
  );
  return result;
}

// The programs and trees that "What's new in Python 3.14", asyncio introspection capabilities, shows of `python -m asyncio pstree` and `ps`.
describeBoth('the tree of the program that CPython documents', (s) => {
  const playTrack = s.fn(function* (_track: string) {
    yield* s.wait(sleep(5));
  });
  const playAlbum = s.fn(function* (_name: string, tracks: readonly string[]) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          for (const track of tracks) group.createTask(() => playTrack(track) as never, { name: track });
        }),
      ),
    );
  });
  const main = function* () {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          const sundowning = () => playAlbum('Sundowning', ['TNDNBTG', 'Levitate']) as never;
          const tmbte = () => playAlbum('TMBTE', ['DYWTYLM', 'Aqua Regia']) as never;
          group.createTask(sundowning, { name: 'Sundowning' });
          group.createTask(tmbte, { name: 'TMBTE' });
        }),
      ),
    );
  };

  test('has its shape', async () => {
    expect(await treeOf(s, main)).toEqual([
      'Task-1',
      '  Sundowning',
      '    TNDNBTG',
      '    Levitate',
      '  TMBTE',
      '    DYWTYLM',
      '    Aqua Regia',
    ]);
  });

  test('has the awaiters that ps shows', async () => {
    const tasks = await tasksOf(s, main);
    const graph = new TaskGraph(tasks);
    expect(tasks.map(({ id, name }) => [name, graph.awaitersOf(id).map((task) => task.name)])).toEqual([
      ['Task-1', []],
      ['Sundowning', ['Task-1']],
      ['TMBTE', ['Task-1']],
      ['TNDNBTG', ['Sundowning']],
      ['Levitate', ['Sundowning']],
      ['DYWTYLM', ['TMBTE']],
      ['Aqua Regia', ['TMBTE']],
    ]);
  });

  test('is no tree where tasks await each other, and the circle is told', async () => {
    const tasks = await tasksOf(s, function* () {
      const both: { first?: unknown; second?: unknown } = {};
      both.first = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(0.1));
          yield* s.wait(both.second);
        }),
        { name: 'Task-2' },
      );
      both.second = createTask(
        s.fn(function* () {
          yield* s.wait(both.first);
        }),
        { name: 'Task-3' },
      );
      yield* s.wait(sleep(100));
    });
    const graph = new TaskGraph(tasks);
    expect(graph.cycles().map((cycle) => cycle.map((id) => graph.find(id)!.name))).toEqual([['Task-2', 'Task-3']]);
    expect(linesOf(tasks)).toEqual(['Task-1', 'Task-2', '  Task-3', '    Task-2 (again)']);
  });
});

describeBoth('the tree of tasks', (s) => {
  const newIdle = () =>
    s.fn(function* () {
      yield* s.wait(sleep(100));
    });
  const idle = newIdle();

  test('goes through gather(), shield() and tasks that are awaited', async () => {
    const tree = await treeOf(s, function* () {
      const inner = createTask(
        s.fn(function* () {
          yield* s.wait(shield(createTask(idle, { name: 'shielded' })));
        }),
        { name: 'shielding' },
      );
      const awaiting = createTask(
        s.fn(function* () {
          yield* s.wait(createTask(idle, { name: 'awaited' }));
        }),
        { name: 'awaiting' },
      );
      yield* s.wait(gather([inner, awaiting]));
    });
    expect(tree).toEqual(['Task-1', '  shielding', '    shielded', '  awaiting', '    awaited']);
  });

  test('has every child of a gather() of hundreds, and of a group of hundreds', async () => {
    const gathered = await treeOf(s, function* () {
      yield* s.wait(gather(Array.from({ length: 300 }, newIdle)));
    });
    const grouped = await treeOf(s, function* () {
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            for (let i = 0; i < 300; i++) group.createTask(idle);
          }),
        ),
      );
    });
    for (const tree of [gathered, grouped]) {
      expect(tree).toHaveLength(301);
      expect(tree.filter((line) => !line.startsWith('  '))).toEqual(['Task-1']);
    }
  });

  test('shows a task that two await under the first of them, and only names it under the other', async () => {
    const tree = await treeOf(s, function* () {
      const one = createTask(
        s.fn(function* () {
          yield* s.wait(createTask(idle, { name: 'leaf' }));
        }),
        { name: 'shared' },
      );
      const wait = s.fn(function* () {
        yield* s.wait(shield(one));
      });
      yield* s.wait(gather([createTask(wait, { name: 'a' }), createTask(wait, { name: 'b' })]));
    });
    expect(tree).toEqual(['Task-1', '  a', '    shared', '      leaf', '  b', '    shared (again)']);
  });

  test('has no branch for what holds a lock, but the circle of two that hold what the other wants', async () => {
    const tasks = await tasksOf(s, function* () {
      const [a, b] = [new Lock(), new Lock()];
      const worker = (first: Lock, second: Lock) =>
        s.fn(function* () {
          yield* s.wait(first.acquire());
          yield* s.wait(sleep(0.1));
          yield* s.wait(second.acquire());
        });
      createTask(worker(a, b), { name: 'one' });
      createTask(worker(b, a), { name: 'other' });
      yield* s.wait(new Event().wait());
    });
    expect(linesOf(tasks)).toEqual(['Task-1', 'one', 'other']);
    const graph = new TaskGraph(tasks);
    expect(graph.cycles().map((cycle) => cycle.map((id) => graph.find(id)!.name))).toEqual([['one', 'other']]);
  });
});

describe('a graph of tasks', () => {
  const task = (id: number, needs: readonly number[]): TaskSnapshot => ({
    id,
    name: `t${id}`,
    state: 'waiting',
    cancelling: 0,
    frames: [],
    waits: [
      { operation: 'task', object: 't', kind: 'Task', on: needs[0] ?? null, needs, place: null, isForeign: false },
    ],
    awaiters: [],
    counts: null,
  });

  test('draws and searches a chain of 20,000 tasks without recursion', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => task(i, i === 19_999 ? [0] : [i + 1]));
    const graph = new TaskGraph(chain);
    expect(graph.rows()).toHaveLength(20_001);
    expect(graph.cycles()[0]).toHaveLength(20_000);
    expect(new TaskGraph(chain.slice(0, -1)).cycles()).toEqual([]);
  });

  test('does without tasks that a limit has left out', () => {
    const graph = new TaskGraph([task(1, [2, 99])]);
    expect(graph.awaitedBy(1)).toEqual([]);
    expect(graph.rows()).toHaveLength(1);
  });

  test('sorts tasks side by side', () => {
    const tasks = [task(1, [2, 3]), task(2, []), task(3, [])];
    const rows = new TaskGraph(tasks).rows((a, b) => b.id - a.id);
    expect(rows.map((row) => row.task.id)).toEqual([1, 3, 2]);
  });
});
