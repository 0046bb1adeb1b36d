/** Simulated time for everything in a process that uses `setTimeout` and `performance.now()`, whether of this library or not. */

const { setImmediate } = globalThis;

interface Timer {
  readonly when: number;
  readonly callback: () => void;
}

let now = 0;
let timers: Timer[] = [];
let jumping = false;

/** From now on the clock stands still while anything runs, and jumps to the next timer when nothing does. */
export function simulateTime(): void {
  const replacements = {
    performance: { now: () => now },
    setTimeout: (callback: (...args: unknown[]) => void, milliseconds = 0, ...args: unknown[]) => {
      const timer = { when: now + Math.max(milliseconds, 0), callback: () => callback(...args) };
      timers.push(timer);
      jumpWhenIdle();
      return timer;
    },
    clearTimeout: (timer: Timer) => {
      timers = timers.filter((other) => other !== timer);
    },
  };
  Object.assign(globalThis, replacements);
  Object.defineProperty(globalThis, 'performance', { value: replacements.performance, configurable: true });
}

/** Waits until no timer is left. */
export async function isQuiet(): Promise<void> {
  do await idle();
  while (timers.length > 0);
}

/** Two macrotasks: whatever is not waiting for I/O or time has run. */
async function idle(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

async function jumpWhenIdle(): Promise<void> {
  if (jumping) return;
  jumping = true;
  await idle();
  jumping = false;
  const next = timers.toSorted((a, b) => a.when - b.when)[0];
  if (next === undefined) return;
  timers = timers.filter((timer) => timer !== next);
  now = Math.max(now, next.when);
  jumpWhenIdle();
  next.callback();
}
