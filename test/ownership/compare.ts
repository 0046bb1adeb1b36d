/** Whether two traces say the same, as far as an order is promised: what one line does, in its order, at each time. */
import type { ModelTrace } from './model.ts';
import type { Entry, Ticks, Trace } from './program.ts';

export interface Difference {
  readonly at: Ticks;
  readonly what: string;
  /** Wrong in whatever order things happen within a moment. */
  readonly isStray?: boolean;
}

type Moments = Map<Ticks, Map<string, string[]>>;

function moments(entries: readonly Entry[], until: Ticks): Moments {
  const all: Moments = new Map();
  for (const { at, line, text } of entries) {
    if (at >= until) continue;
    const moment = all.get(at) ?? new Map<string, string[]>();
    all.set(at, moment);
    const texts = moment.get(line) ?? [];
    moment.set(line, texts);
    texts.push(text);
  }
  return all;
}

/** Up to when both are compared: the contract may say no more. */
export function comparedUntil(model: ModelTrace): Ticks {
  return model.cut === null ? Number.POSITIVE_INFINITY : model.cut.at;
}

/** The first difference, `null` when there is none. */
export function compare(model: ModelTrace, real: Trace, hasStories = false): Difference | null {
  const until = comparedUntil(model);
  const expected = moments(model.entries, until);
  const got = moments(real.entries, until);
  for (const at of [...new Set([...expected.keys(), ...got.keys()])].sort((a, b) => a - b)) {
    const lines = new Set([...(expected.get(at)?.keys() ?? []), ...(got.get(at)?.keys() ?? [])]);
    for (const line of lines) {
      const wanted = (expected.get(at)?.get(line) ?? []).join('; ');
      const found = (got.get(at)?.get(line) ?? []).join('; ');
      if (wanted !== found) return { at, what: `${line} at ${at}: expected [${wanted}], got [${found}]` };
    }
  }
  if (model.cut?.isChosen === true) return null;
  const stray = new Set(hasStories ? [...real.stray, ...real.untold] : real.stray);
  if (stray.size > 0) return { at: until, what: [...stray].join(', '), isStray: true };
  if (real.endedAt === null) return { at: until, what: 'run() does not end' };
  return null;
}

/** A trace as text: `time line: what; it; did`, in the order of time and then of lines, without beginnings. */
export function traceLines({ entries }: Trace): string[] {
  const lines: string[] = [];
  const all = moments(entries, Number.POSITIVE_INFINITY);
  for (const at of [...all.keys()].sort((a, b) => a - b)) {
    const moment = all.get(at)!;
    for (const line of [...moment.keys()].sort()) {
      const texts = moment.get(line)!.filter((text) => text !== 'begins');
      if (texts.length > 0) lines.push(`${at} ${line}: ${texts.join('; ')}`);
    }
  }
  return lines;
}
