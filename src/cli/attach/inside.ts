import type { Lens, LensCopy, makeLens, PageOptions, TaskPage } from '../../inspect/lens.ts';

/** What a tool uses inside the process that it looks at. */
export interface Inside {
  begin(): number;
  page(from: number, options: PageOptions): TaskPage;
  generators(): readonly object[];
  /** Begins to count the steps of tasks. */
  count(): void;
  /** Cancels a task soon; returns false when it is not there any more. */
  cancel(id: number, message: string): boolean;
  /**
   * The tool goes; what it has installed is removed.
   *
   * @returns whether it was the last one, and the inspector is to be closed
   */
  leave(): boolean;
}

/** The global object of the process that is looked at. */
export interface Scope {
  readonly process: Pick<NodeJS.Process, 'getBuiltinModule' | 'versions'> & { hrtime(): [number, number] };
}

/** All tools that look at one process. */
export interface Tools {
  readonly users: Map<string, Inside>;
  /** Whether the inspector was closed before the first tool came. */
  hasOpened: boolean;
}

/**
 * Begins to look at a process. Everything that this function needs is inside of it, or comes as an argument, since its source text is sent to
 * the process.
 *
 * @param scope the global object of the process
 * @param lensMaker `makeLens`
 * @param token names this tool among several
 * @param hasOpened whether the tool has opened the inspector
 * @param lease a tool that says nothing for so many seconds is gone: it was killed, or its connection is lost
 * @returns whether there is a loop to look at, and with which process one is talking
 */
export function enter(
  scope: Scope,
  lensMaker: typeof makeLens,
  token: string,
  hasOpened: boolean,
  lease: number,
): { readonly problem: 'no loop' | 'old copy' | null; readonly runtime: string } {
  const shared = scope as Scope & Record<symbol, unknown>;
  const { process } = scope;
  const toolsKey = Symbol.for('asyncio-ts.tools');
  const builtin = (name: string): never => process.getBuiltinModule(name) as never;
  const timers: typeof import('node:timers') = builtin('node:timers');
  if (shared[toolsKey] === undefined) {
    const fresh: Tools = { users: new Map(), hasOpened: false };
    Object.defineProperty(shared, toolsKey, { value: fresh, configurable: true });
  }
  const tools = shared[toolsKey] as Tools;
  if (hasOpened) tools.hasOpened = true;
  tools.users.get(token)?.leave(); // an earlier attempt, whose connection ended before its answer came
  const registry = shared[Symbol.for('asyncio-ts')] as { readonly copies?: readonly Partial<LensCopy>[] } | undefined;
  const copies = (registry?.copies ?? []).filter((copy): copy is LensCopy => copy.views !== undefined);
  const lens: Lens | null = copies.length === 0 ? null : lensMaker(copies);
  let stopCounting: (() => void) | null = null;
  let isGone = false;
  let seen = process.hrtime()[0];

  /** A program is interrupted for the tool, perhaps in the middle of the library: what changes something waits for the loop. */
  const soon = (change: () => void): void => {
    timers.setImmediate(change).unref();
  };
  const renew = (): Lens => {
    seen = process.hrtime()[0];
    return lens!;
  };
  const leave = (): boolean => {
    if (isGone) return false;
    isGone = true;
    timers.clearInterval(watchdog);
    lens?.end();
    tools.users.delete(token);
    soon(() => stopCounting?.());
    return tools.users.size === 0 && tools.hasOpened;
  };
  const watchdog = timers.setInterval(
    () => {
      if (process.hrtime()[0] - seen <= lease || !leave()) return;
      tools.hasOpened = false;
      (builtin('node:inspector') as typeof import('node:inspector')).close();
    },
    (lease * 1_000) / 3,
  );
  watchdog.unref();
  tools.users.set(token, {
    begin: () => renew().begin(),
    page: (from, options) => renew().page(from, options),
    generators: () => renew().generators(),
    count() {
      soon(() => {
        if (!isGone) stopCounting ??= renew().count();
      });
    },
    cancel(id, message) {
      const task = renew().find(id);
      if (task !== null) soon(() => task.cancel(message));
      return task !== null;
    },
    leave,
  });
  const versions = process.versions as Readonly<Record<string, string | undefined>>;
  return {
    problem: lens !== null ? null : registry === undefined ? 'no loop' : 'old copy',
    runtime: versions['bun'] !== undefined ? 'Bun' : versions['deno'] !== undefined ? 'Deno' : 'Node',
  };
}

/**
 * Closes the inspector of the process, in which this is evaluated, unless a tool looks at it; no answer comes.
 *
 * Node opens the inspector for one signal twice: from the midst of the program at once, and when its loop goes on, which may be long after a tool
 * has left. So it is looked at again when the loop has gone on, and a moment later, for the signal of another tool that has left meanwhile.
 *
 * @param load gives a module of Node
 * @param token names the tool that closes it; it has left, or leaves by this
 */
export function closeInspector(scope: Scope, load: (name: string) => object, token: string): void {
  const inspector = load('node:inspector') as typeof import('node:inspector');
  const timers = load('node:timers') as typeof import('node:timers');
  const toolsKey = Symbol.for('asyncio-ts.tools');
  (scope as Scope & Partial<Record<symbol, Tools>>)[toolsKey]?.users.get(token)?.leave();
  const close = (): void => {
    const tools = (scope as Scope & Partial<Record<symbol, Tools>>)[toolsKey];
    const isOpen = inspector.url() !== undefined;
    // A tool that has come meanwhile closes it, even if it has found it open.
    const isUsed = tools !== undefined && tools.users.size > 0;
    if (tools !== undefined) tools.hasOpened = isUsed && isOpen;
    if (isOpen && !isUsed) inspector.close();
  };
  // Before the second one the loop has looked once at everything that was to wake it.
  timers.setImmediate(() => timers.setImmediate(close).unref()).unref();
  timers.setTimeout(close, 100).unref();
  close();
}
