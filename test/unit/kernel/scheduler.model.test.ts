import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';

/** What a callback does when it is called. `cancel` says which handle, by the order of scheduling. */
type Action =
  | { readonly soon: Program }
  | { readonly later: number; readonly program: Program }
  | { readonly cancel: number }
  | { readonly advance: number };
type Program = readonly Action[];

const { program } = fc.letrec<{ program: Program; action: Action }>((tie) => ({
  program: fc.array(tie('action'), { maxLength: 4, depthIdentifier: 'program' }),
  action: fc.oneof(
    { depthIdentifier: 'program' },
    fc.record({ cancel: fc.nat({ max: 30 }) }),
    fc.record({ advance: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ soon: tie('program') }),
    fc.record({ later: fc.integer({ min: -1, max: 4 }), program: tie('program') }),
  ),
}));

/** As much of a loop as the programs need. */
interface Machine {
  callSoon(callback: () => void): { cancel(): void };
  callLater(delay: number, callback: () => void): { cancel(): void };
  advance(seconds: number): void;
  runOnce(): void;
}

interface Entry {
  readonly when: number;
  readonly callback: () => void;
  cancelled: boolean;
  cancel(): void;
}

/** An event loop without any data structure. */
class NaiveLoop implements Machine {
  #now = 0;
  #ready: Entry[] = [];
  #timers: Entry[] = [];

  callSoon(callback: () => void): Entry {
    return this.#add(this.#ready, this.#now, callback);
  }

  callLater(delay: number, callback: () => void): Entry {
    return this.#add(this.#timers, this.#now + delay, callback);
  }

  #add(entries: Entry[], when: number, callback: () => void): Entry {
    const entry: Entry = {
      when,
      callback,
      cancelled: false,
      cancel: () => {
        entry.cancelled = true;
      },
    };
    entries.push(entry);
    return entry;
  }

  advance(seconds: number): void {
    this.#now += seconds;
  }

  runOnce(): void {
    const isDue = (entry: Entry) => entry.when <= this.#now;
    const batch = [...this.#ready, ...this.#timers.filter(isDue).sort((a, b) => a.when - b.when)];
    this.#timers = this.#timers.filter((entry) => !isDue(entry));
    this.#ready = [];
    for (const entry of batch) if (!entry.cancelled) entry.callback();
  }
}

function realLoop(): Machine {
  const { loop, host } = manualLoop();
  return {
    callSoon: (callback) => loop.callSoon(callback),
    callLater: (delay, callback) => loop.callLater(delay, callback),
    advance: (seconds) => host.advance(seconds),
    runOnce: () => loop.runOnce(),
  };
}

/** Runs a program; gives, for each iteration, which callbacks were called. */
function traceOf(program: Program, machine: Machine): number[][] {
  const handles: { cancel(): void }[] = [];
  let called: number[] = [];
  const callbackFor = (program: Program) => {
    const number = handles.length;
    return () => {
      called.push(number);
      perform(program);
    };
  };
  const perform = (program: Program) => {
    for (const action of program) {
      if ('soon' in action) handles.push(machine.callSoon(callbackFor(action.soon)));
      else if ('later' in action) handles.push(machine.callLater(action.later, callbackFor(action.program)));
      else if ('cancel' in action) handles[action.cancel % handles.length]?.cancel();
      else machine.advance(action.advance);
    }
  };
  perform(program);
  return Array.from({ length: 30 }, () => {
    called = [];
    machine.runOnce();
    machine.advance(1);
    return called;
  });
}

describe('any program of callbacks, timers and cancellations', () => {
  test('runs as on a loop of the simplest kind, iteration for iteration', () => {
    fc.assert(
      fc.property(program, (program) => {
        expect(traceOf(program, realLoop())).toEqual(traceOf(program, new NaiveLoop()));
      }),
      { numRuns: 500 },
    );
  });
});
