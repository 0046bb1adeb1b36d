import type { TraceEvent } from 'asyncio-ts/inspect';
import type { Line, Report, Request, Speed } from './messages.ts';

/** How a run stands. */
export type State = 'running' | 'paused' | 'finished' | 'failed' | 'stopped';

/** What a run tells. */
export interface Listener {
  lines(lines: readonly Line[], dropped: number): void;
  events(events: readonly TraceEvent[], dropped: number): void;
  time(now: number, next: number | null): void;
  state(state: State): void;
}

/** A worker that does not answer for this long computes without ever giving way. */
const PATIENCE = 4_000;
/** One that prints, and does not answer for this long either. */
const LONGEST = 20_000;
const BETWEEN_PINGS = 500;

/** One run of a program in a worker of its own. */
export class Session {
  readonly #worker: Worker;
  readonly #listener: Listener;
  readonly #watchdog: number;
  #heard = performance.now();
  #answered = performance.now();
  #pinged = performance.now();
  #state: State = 'running';

  constructor(code: string, options: { readonly speed: Speed; readonly paused: boolean }, listener: Listener) {
    this.#listener = listener;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data, code, options);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#listener.lines(
        [{ kind: 'error', text: `The program could not be started: ${event.message || 'the worker did not load'}` }],
        0,
      );
      this.#end('failed');
    };
    this.#watchdog = window.setInterval(() => this.#watch(), BETWEEN_PINGS);
    this.#enter(options.paused ? 'paused' : 'running');
  }

  /** Ends the run at once, whatever the program does. */
  stop(): void {
    if (this.#isOver) return;
    this.#listener.lines([{ kind: 'note', text: 'Stopped.' }], 0);
    this.#end('stopped');
  }

  /** Ends the worker, also of a program that has finished. */
  dispose(): void {
    window.clearInterval(this.#watchdog);
    this.#worker.terminate();
  }

  set speed(speed: Speed) {
    this.#send({ type: 'speed', speed });
  }

  pause(): void {
    if (this.#isOver) return;
    this.#send({ type: 'pause' });
    this.#enter('paused');
  }

  resume(): void {
    if (this.#isOver) return;
    this.#send({ type: 'resume' });
    this.#enter('running');
  }

  step(): void {
    if (this.#isOver) return;
    if (this.#state === 'running') this.pause();
    this.#send({ type: 'step' });
  }

  get #isOver(): boolean {
    return this.#state !== 'running' && this.#state !== 'paused';
  }

  #send(request: Request): void {
    this.#worker.postMessage(request);
  }

  #hear(report: Report, code: string, options: { readonly speed: Speed; readonly paused: boolean }): void {
    this.#heard = performance.now();
    if (report.type !== 'lines') this.#answered = this.#heard;
    if (report.type === 'ready') this.#send({ type: 'run', code, ...options });
    else if (report.type === 'lines') this.#listener.lines(report.lines, report.dropped);
    else if (report.type === 'events') this.#listener.events(report.events, report.dropped);
    else if (report.type === 'time') this.#listener.time(report.now, report.next);
    else if (report.type === 'end') this.#enter(report.failed ? 'failed' : 'finished');
  }

  /** A page that was asleep must not take its own sleep for the program's: only unanswered pings count. */
  #watch(): void {
    const now = performance.now();
    if (now - this.#pinged > BETWEEN_PINGS * 3) {
      this.#heard = now;
      this.#answered = now;
    }
    this.#pinged = now;
    this.#send({ type: 'ping' });
    const patience = now - this.#heard < PATIENCE ? LONGEST : PATIENCE;
    if (now - this.#answered < patience) return;
    const text = `Stopped: for ${patience / 1_000} seconds the program has not given way. Is there a loop without an \`await\` that waits, such as \`await sleep(0)\`?`;
    this.#listener.lines([{ kind: 'error', text }], 0);
    this.#end('stopped');
  }

  #end(state: State): void {
    this.dispose();
    this.#enter(state);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#listener.state(state);
  }
}
