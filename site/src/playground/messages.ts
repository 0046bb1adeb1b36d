import type { TraceEvent } from 'asyncio-ts/inspect';

/** What the page and the worker that runs a program tell each other. */

/** A line that the program printed, or that tells what became of it. */
export interface Line {
  readonly kind: 'log' | 'warn' | 'error' | 'note';
  readonly text: string;
}

/** How fast virtual time goes: seconds of the program in a second of the reader; `Infinity` jumps from timer to timer. */
export type Speed = number;

/** From the page. */
export type Request =
  | { readonly type: 'run'; readonly code: string; readonly speed: Speed; readonly paused: boolean }
  | { readonly type: 'speed'; readonly speed: Speed }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'step' }
  | { readonly type: 'ping' };

/** From the worker. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'pong' }
  | { readonly type: 'lines'; readonly lines: readonly Line[]; readonly dropped: number }
  | { readonly type: 'events'; readonly events: readonly TraceEvent[]; readonly dropped: number }
  | { readonly type: 'time'; readonly now: number; readonly next: number | null }
  | { readonly type: 'end'; readonly failed: boolean };
