/** Simulated time for everything in a process that uses `setTimeout` and `performance.now()`, whether of this library or not. */

const { setImmediate, setTimeout, clearTimeout } = globalThis;

/** What the simulated `setTimeout` returns. One that keeps no process alive, such as those of `fetch`, goes by real time. */
class Timer {
  readonly callback: () => void;
  readonly milliseconds: number;
  when = 0;
  #real: NodeJS.Timeout | null = null;

  constructor(callback: () => void, milliseconds: number) {
    this.callback = callback;
    this.milliseconds = Math.max(Number(milliseconds) || 0, 0);
    this.refresh();
  }

  refresh(): this {
    if (this.#real === null) {
      this.when = now + this.milliseconds;
      timers.add(this);
      jumpWhenIdle();
    } else {
      this.#real.refresh();
    }
    return this;
  }

  clear(): void {
    timers.delete(this);
    clearTimeout(this.#real ?? undefined);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    this.clear();
    this.#real = setTimeout(this.callback, this.milliseconds).unref();
    return this;
  }
}

const timers = new Set<Timer>();
let now = 0;
let jumping = false;

/** From now on the clock stands still while anything runs, and jumps to the next timer when nothing does. */
export function simulateTime(): void {
  Object.defineProperty(performance, 'now', { value: () => now });
  Object.assign(globalThis, {
    setTimeout: (callback: (...args: unknown[]) => void, milliseconds: number, ...args: unknown[]) =>
      new Timer(() => callback(...args), milliseconds),
    clearTimeout: (timer: unknown) => {
      if (timer instanceof Timer) timer.clear();
      else clearTimeout(timer as NodeJS.Timeout);
    },
  });
}

/** Waits until no timer is left. */
export async function isQuiet(): Promise<void> {
  do await idle();
  while (timers.size > 0);
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
  const next = [...timers].sort((a, b) => a.when - b.when)[0];
  if (next === undefined) return;
  timers.delete(next);
  now = Math.max(now, next.when);
  jumpWhenIdle();
  next.callback();
}
