import * as core from 'asyncio-ts';
import * as testing from 'asyncio-ts/testing';
import { compile } from './compile.ts';
import type { Line, Report, Request } from './messages.ts';
import { importer } from './modules.ts';
import { Output } from './output.ts';
import { PacedClock, PacedHost, timersOf } from './paced-host.ts';
import { Recording } from './recording.ts';
import { errorLines, shown } from './show.ts';

/** Runs one program, on a virtual clock, and tells the page what it prints and which tasks run when. A worker runs no second program. */

// The timers of the worker itself: the program gets others.
const { setTimeout, clearTimeout } = globalThis;
const realNow = performance.now.bind(performance);
const post = (report: Report): void => globalThis.postMessage(report);

const BETWEEN_REPORTS = 30;

const output = new Output((lines, dropped) => post({ type: 'lines', lines, dropped }), realNow);
const recording = new Recording();
let clock: PacedClock | null = null;

/** A macrotask: promises of the program have settled by then, and messages of the page get their turn. */
const turns: (() => void)[] = [];
const channel = new MessageChannel();
channel.port1.onmessage = () => turns.shift()?.();
function afterMicrotasks(callback: () => void): void {
  turns.push(callback);
  channel.port2.postMessage(null);
}

let reportAsked = false;
function reportSoon(): void {
  if (reportAsked) return;
  reportAsked = true;
  setTimeout(() => {
    reportAsked = false;
    report();
  }, BETWEEN_REPORTS);
}

let next: number | null = null;
function report(): void {
  output.flush();
  const { events, dropped } = recording.take();
  if (events.length > 0) post({ type: 'events', events, dropped });
  post({ type: 'time', now: clock?.now ?? 0, next });
}

globalThis.onmessage = ({ data }: MessageEvent<Request>): void => {
  if (data.type === 'ping') post({ type: 'pong' });
  else if (data.type === 'run') void runProgram(data);
  else if (clock === null) return;
  else if (data.type === 'speed') clock.speed = data.speed;
  else if (data.type === 'pause') clock.pause();
  else if (data.type === 'resume') clock.resume();
  else clock.step();
};

async function runProgram({ code, speed, paused }: Extract<Request, { type: 'run' }>): Promise<void> {
  const compiled = compile(code);
  if (compiled.kind === 'problem') {
    for (const text of compiled.lines) output.add({ kind: 'error', text });
    finish(true);
    return;
  }
  const surroundings = {
    afterMicrotasks,
    later(callback: () => void, milliseconds: number) {
      // A timer of 0 ms costs 4 ms: a turn is enough.
      if (milliseconds > 0) {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      }
      let wanted = true;
      afterMicrotasks(() => wanted && callback());
      return () => {
        wanted = false;
      };
    },
    moved(_now: number, due: number | null) {
      next = due;
      reportSoon();
    },
  };
  clock = new PacedClock(surroundings, { speed, paused });
  useClock(clock);
  recording.start();
  let failed = false;
  try {
    await execute(compiled.code, clock);
  } catch (error) {
    failed = true;
    for (const text of errorLines(error, lineOf)) output.add({ kind: 'error', text });
  }
  finish(failed);
}

function finish(failed: boolean): void {
  report();
  post({ type: 'end', failed });
}

/** Errors that nobody catches, of callbacks and of promises. */
globalThis.addEventListener('error', (event) => {
  event.preventDefault();
  tell(event.error ?? event.message);
});
globalThis.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  tell(event.reason);
});

function tell(error: unknown): void {
  for (const text of errorLines(error, lineOf)) output.add({ kind: 'error', text });
  reportSoon();
}

/** The program's time, also for what it and the library read from the runtime. */
function useClock(paced: PacedClock): void {
  const { setTimeout: set, setInterval, clearTimeout: clear } = timersOf(paced);
  const began = Date.now();
  Object.assign(globalThis, { setTimeout: set, setInterval, clearTimeout: clear, clearInterval: clear });
  Object.defineProperty(performance, 'now', { value: () => paced.now * 1_000, configurable: true });
  Object.defineProperty(Date, 'now', { value: () => Math.round(began + paced.now * 1_000), configurable: true });
}

type Body = (...given: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => Body;
const FILE = 'program.ts';

async function execute(code: string, paced: PacedClock): Promise<void> {
  const exports = {};
  const given: Record<string, unknown> = {
    require: importer({ 'asyncio-ts': libraryOn(paced), 'asyncio-ts/testing': testing }),
    exports,
    module: { exports },
    console: {
      ...console,
      log: printer('log'),
      info: printer('log'),
      debug: printer('log'),
      warn: printer('warn'),
      error: printer('error'),
    },
  };
  // The program begins in the first line after those that the constructor puts before it.
  const body = new AsyncFunction(...Object.keys(given), `${code}\n//# sourceURL=${FILE}`);
  await body(...Object.values(given));
}

/** How many lines the engine puts before a function's text: it tells by an error in the first one. */
const OFFSET = await (async () => {
  try {
    await new AsyncFunction("throw new Error('a probe')\n//# sourceURL=probe.ts")();
  } catch (error) {
    return Number(/probe\.ts:(\d+)/.exec(String((error as Error).stack))?.[1] ?? 1) - 1;
  }
  return 0;
})();

/** The line of the program that a stack leads to. */
function lineOf(stack: string): number | null {
  const [, line] = /program\.ts:(\d+)/.exec(stack) ?? [];
  return line === undefined ? null : Number(line) - OFFSET;
}

function printer(kind: Line['kind']): (...values: unknown[]) => void {
  return (...values) => {
    output.add({ kind, text: shown(values) });
    reportSoon();
  };
}

/** The library, with loops on the paced clock unless the program gives them a host of its own. */
function libraryOn(paced: PacedClock): object {
  const host = new PacedHost(paced);
  const newEventLoop: typeof core.newEventLoop = (options) => core.newEventLoop({ host, ...options });
  const run: typeof core.run = (main, options) => core.run(main, { loopFactory: newEventLoop, ...options });
  class Runner extends core.Runner {
    constructor(options: core.RunnerOptions = {}) {
      super({ loopFactory: newEventLoop, ...options });
    }
  }
  return { ...core, newEventLoop, run, Runner };
}

// A program of the playground stands for one of a page, which has a loop of its own; a worker has none.
Object.assign(globalThis, { window: globalThis });
core.logger.error = printer('error');
core.logger.warn = printer('warn');
post({ type: 'ready' });
