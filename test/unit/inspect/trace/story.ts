import type { TraceEvent } from 'asyncio-ts/inspect';

/** Events in words, with the names of tasks, so that a test reads as what has happened. Counters are left out, and what `run()` does at its end. */
export function storyOf(events: readonly TraceEvent[]): string[] {
  const names = new Map<number, string>([[0, 'loop']]);
  const open = new Map<number, string>();
  const arrows = new Map<number, string>();
  const story: string[] = [];
  for (const { ph, tid, name, cat, args, id } of events) {
    const who = names.get(tid) ?? String(tid);
    if (ph === 'M' && name === 'thread_name') names.set(tid, String(args?.['name']));
    if (/^shutdown/.test(who)) continue;
    if (ph === 'X') story.push(cat === 'wait' ? `${who} has waited: ${name}` : `${who} runs`);
    if (ph === 'B') {
      open.set(tid, name);
      story.push(`${who} waits: ${name}`);
    }
    if (ph === 'E') story.push(`${who} has waited: ${open.get(tid)}`);
    if (ph === 'i') story.push(`${who}: ${name}`);
    if (ph === 's') arrows.set(id!, who);
    if (ph === 'f') story.push(`${arrows.get(id!)} ${cat}s ${who}`);
  }
  return story;
}
