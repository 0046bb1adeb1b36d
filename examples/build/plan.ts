// What is to be built: targets, what each of them needs first, and the command that makes it.

import { readFile } from 'node:fs/promises';

/** Something to be built. */
export interface Target {
  readonly name: string;
  /** The targets that must be built before. */
  readonly needs: readonly string[];
  /** A command of the shell. */
  readonly command: string;
}

export class PlanError extends Error {}

/** Reads a plan: a file with `{ "target": { "needs": ["other"], "command": "…" } }`. */
export async function readPlan(file: string): Promise<Target[]> {
  const text = await readFile(file, 'utf8');
  const entries = Object.entries(JSON.parse(text) as Record<string, { needs?: string[]; command: string }>);
  return inOrder(entries.map(([name, { needs = [], command }]) => ({ name, needs, command })));
}

/** Targets in an order in which each comes after what it needs. */
export function inOrder(targets: readonly Target[]): Target[] {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const ordered = new Set<Target>();
  const visit = (target: Target, path: readonly string[]): void => {
    if (ordered.has(target)) return;
    if (path.includes(target.name)) throw new PlanError(`a circle: ${[...path, target.name].join(' -> ')}`);
    for (const name of target.needs) {
      const needed = byName.get(name);
      if (needed === undefined) throw new PlanError(`${target.name} needs ${name}, which is no target`);
      visit(needed, [...path, target.name]);
    }
    ordered.add(target);
  };
  for (const target of targets) visit(target, []);
  return [...ordered];
}
