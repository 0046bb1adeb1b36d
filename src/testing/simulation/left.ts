import type { EventLoop } from '../../index.ts';
import { captureWaitGraph, describeWait, placeText, type WaitGraph, type WaitNode } from '../../inspect/wait-graph.ts';
import { describe } from '../../internal/describe.ts';
import { activeResources, leftIn } from '../../kernel/lowlevel.ts';
import { LeakError, UnretrievedError } from '../errors.ts';
import { quiet } from './quiet.ts';

/** What keeps the process alive now, as `newResourcesSince` takes it; `null` where the runtime does not tell. */
export function resourcesNow(): readonly string[] | null {
  return activeResources();
}

/** What keeps the process alive and did not before. */
export function newResourcesSince(before: readonly string[]): string[] {
  const known = [...before];
  return (activeResources() ?? []).filter((resource) => {
    const at = known.indexOf(resource);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

/** Resources of the runtime that a program has to end, by the names that Node has for them. */
const ENDLESS: Readonly<Record<string, string>> = {
  ProcessWrap: 'a child process',
  TCPServerWrap: 'a server that listens',
  TCPSocketWrap: 'an open socket',
  UDPWrap: 'an open UDP socket',
};

/** For so many turns of the runtime what was closed last may still show. */
const CLOSING_TURNS = 20;

/** How many programs run at present: what belongs to the process is told as a leak only of one that is alone. */
const programs = { running: 0, begun: 0 };

/** A program begins whose leaks may be looked for. Returns how to ask whether it has been alone. */
export function watchAlone(): { isAlone(): boolean; end(): void } {
  programs.running++;
  const number = ++programs.begun;
  const wasAlone = programs.running === 1;
  return {
    isAlone: () => wasAlone && programs.begun === number,
    end: () => {
      programs.running--;
    },
  };
}

/**
 * What a program that has ended has left in its loop, and of the runtime's own sockets and processes.
 *
 * @param before what kept the process alive when it began; `null` to look at the loop alone
 */
export async function leaksOf(loop: EventLoop, before: readonly string[] | null): Promise<LeakError[]> {
  // The sockets and processes of this library are among both; the loop tells more of them.
  const hasResources = leftIn(loop).resources.length > 0;
  const leak = leakOf(loop, before === null || hasResources ? [] : await endlessSince(before));
  return leak === null ? [] : [leak];
}

/**
 * What is left in a loop, as a tree in which a task stands below the one that waits for it; `null` when nothing is.
 *
 * @param more what is left elsewhere
 */
export function leakOf(loop: EventLoop, more: readonly string[] = []): LeakError | null {
  const { lines, timers, resources } = leftIn(loop);
  const others = [
    ...lines.map((task) => `a function that ${task.getName()} has called and not awaited`),
    ...timers.map((timer) => `timer ${describe(timer)}`),
    ...resources.map((resource) => describe(resource)),
    ...more,
  ];
  const tree = [...treeOf(captureWaitGraph(loop)), ...others.map((text) => ({ text, indent: '' }))];
  if (tree.length === 0) return null;
  const message = `the program has ended and left ${tree.length === 1 ? 'this' : `these ${tree.length}`} behind:`;
  const shown = tree.slice(0, MOST_SHOWN).map(({ text, indent }) => `  ${indent}${text}`);
  if (tree.length > MOST_SHOWN) shown.push(`  and ${tree.length - MOST_SHOWN} more`);
  const left = tree.map(({ text }) => text);
  return new LeakError(`${message}\n${shown.join('\n')}`, left);
}

/** So many lines are shown of what is left. */
const MOST_SHOWN = 100;

interface Branch {
  readonly text: string;
  readonly indent: string;
}

/** The tasks of a graph, each once, below the first that waits for it. Without recursion: chains of tasks may be long. */
function treeOf({ tasks }: WaitGraph): Branch[] {
  const nodes = new Map(tasks.map((task) => [task.name, task]));
  const isAwaited = new Set(tasks.flatMap(({ waits }) => waits.flatMap(({ needs }) => needs)));
  const found: Branch[] = [];
  const told = new Set<string>();
  // Those in circles have nobody above them that is told first.
  for (const top of [...tasks.filter(({ name }) => !isAwaited.has(name)), ...tasks]) {
    const open = [{ task: top, depth: 0 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { task, depth } = next;
      if (told.has(task.name)) continue;
      told.add(task.name);
      found.push({
        text: describeTask(task),
        indent: depth === 0 ? '' : `${'   '.repeat(Math.min(depth, DEEPEST) - 1)}└─ `,
      });
      const below = new Set(task.waits.flatMap(({ needs }) => needs));
      for (const name of [...below].reverse()) {
        const node = nodes.get(name);
        if (node !== undefined) open.push({ task: node, depth: depth + 1 });
      }
    }
  }
  return found;
}

/** So many levels of the tree are indented. */
const DEEPEST = 10;

async function endlessSince(before: readonly string[]): Promise<string[]> {
  for (let turn = 0; ; turn++) {
    const found = newResourcesSince(before).flatMap((resource) => ENDLESS[resource] ?? []);
    if (found.length === 0 || turn === CLOSING_TURNS) return found;
    await quiet(1);
  }
}

function describeTask(task: WaitNode): string {
  const waits = task.waits.map((wait) => `${describeWait(wait)}${placeText(wait)}`);
  return `task ${task.name}${waits.length > 0 ? `, which waits for ${waits.join(' and ')}` : ''}`;
}

/** The error for errors that nobody has looked at. */
export function unretrieved(lost: readonly unknown[]): UnretrievedError {
  const lines = lost.map(
    (error) => `  ${error instanceof Error ? `${error.name}: ${error.message}` : describe(error)}`,
  );
  const count = lost.length === 1 ? 'an error' : `${lost.length} errors`;
  return new UnretrievedError(
    `nobody has looked at ${count}: await the task, or handle it inside\n${lines.join('\n')}`,
    lost,
  );
}
