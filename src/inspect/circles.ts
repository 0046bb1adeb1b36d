/** What a wait needs: tasks, by whatever tells them apart. */
export interface Need<K> {
  readonly needs: Iterable<K>;
  readonly endsBy: EndsBy;
}

/**
 * Which of the tasks that a wait needs have to do something before it ends: `all` of them (the one that holds a lock, those of `gather`); `any`
 * of them is enough (those that hold the units of a semaphore, those of `asCompleted` and `wait`); `others` may end it as well, as where a
 * semaphore is used as a counter.
 */
export type EndsBy = 'all' | 'any' | 'others';

/** One wait while it is found out whether it can end. */
interface Open {
  readonly isAny: boolean;
  /** Its task, as `Stuck` knows it. */
  readonly of: { waits: number };
  /** How many of the tasks that it needs cannot go on. */
  needs: number;
}

/**
 * Circles of tasks that wait for each other and of which none can go on: not those in which one task waits for several and one of them is
 * outside. Each is told once, beginning with the task that comes first. Without recursion: chains of tasks may be long.
 *
 * @param graph of each task its waits
 */
export function circlesOf<K>(graph: ReadonlyMap<K, readonly Need<K>[]>): K[][] {
  const stuck = stuckTasks(graph);
  const found: K[][] = [];
  const done = new Set<K>();
  const needsOf = (task: K): K[] => {
    const lasting = graph.get(task)!.filter((wait) => isLasting(wait, stuck));
    return [...new Set(lasting.flatMap(({ needs }) => [...needs].filter((need) => stuck.has(need))))];
  };
  for (const first of stuck) {
    if (done.has(first)) continue;
    const placeOf = new Map<K, number>([[first, 0]]);
    const path = [{ task: first, needs: needsOf(first), next: 0 }];
    while (path.length > 0) {
      const at = path.at(-1)!;
      const next = at.needs[at.next++];
      if (next === undefined) {
        done.add(at.task);
        placeOf.delete(at.task);
        path.pop();
      } else if (placeOf.has(next)) {
        found.push(path.slice(placeOf.get(next)!).map(({ task }) => task));
      } else if (!done.has(next)) {
        placeOf.set(next, path.length);
        path.push({ task: next, needs: needsOf(next), next: 0 });
      }
    }
  }
  return found;
}

/**
 * The tasks that cannot go on, in their order: each has a wait that only such tasks could end. Those that lead to a circle are among them, and
 * nobody else.
 */
export function stuckTasks<K>(graph: ReadonlyMap<K, readonly Need<K>[]>): Set<K> {
  const stuck = new Map([...graph.keys()].map((task) => [task, { waits: 0 }]));
  const waiting = new Map<K, Open[]>();
  for (const [task, waits] of graph) {
    const of = stuck.get(task)!;
    for (const { needs, endsBy } of waits) {
      const all = [...new Set(needs)];
      const known = all.filter((need) => stuck.has(need));
      if (endsBy === 'others' || known.length === 0 || (endsBy === 'any' && known.length < all.length)) continue;
      of.waits++;
      const open: Open = { isAny: endsBy === 'any', of, needs: known.length };
      for (const need of known) {
        const opens = waiting.get(need);
        if (opens === undefined) waiting.set(need, [open]);
        else opens.push(open);
      }
    }
  }
  // Whoever can go on may end the waits of others. What is left cannot.
  const free = [...stuck].filter(([, { waits }]) => waits === 0).map(([task]) => task);
  const taskOf = new Map([...stuck].map(([task, state]) => [state, task]));
  for (let task = free.pop(); task !== undefined; task = free.pop()) {
    stuck.delete(task);
    for (const open of waiting.get(task) ?? []) {
      if (open.needs === 0) continue;
      open.needs = open.isAny ? 0 : open.needs - 1;
      if (open.needs === 0 && --open.of.waits === 0) free.push(taskOf.get(open.of)!);
    }
  }
  return new Set(stuck.keys());
}

/** Whether only tasks that cannot go on could end a wait. */
function isLasting<K>({ needs, endsBy }: Need<K>, stuck: ReadonlySet<K>): boolean {
  return endsBy === 'all' || (endsBy === 'any' && [...needs].every((need) => stuck.has(need)));
}
