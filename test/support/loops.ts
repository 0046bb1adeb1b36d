import { setImmediate as macrotask } from 'node:timers/promises';
import { EventLoop, logger } from 'asyncio-ts';
import { ManualHost, VirtualHost } from 'asyncio-ts/testing';
import { type Mock, onTestFinished, vi } from 'vitest';

/** A loop that turns only when the test says so, on a clock that stands still. */
export interface ManualLoop {
  readonly loop: EventLoop;
  readonly host: ManualHost;
  /** Runs iterations, each of them to its end: the step of an async function ends in a microtask. */
  iterate(times?: number): Promise<void>;
  /** Iterates until nothing is ready. */
  drain(): Promise<void>;
}

export function manualLoop(): ManualLoop {
  const host = new ManualHost();
  const loop = new EventLoop({ host });
  const iterate = async (times = 1) => {
    for (let i = 0; i < times; i++) {
      host.wantsTurn = false;
      loop.runOnce();
      do await macrotask();
      while (loop.isRunning());
    }
  };
  const drain = async () => {
    do await iterate();
    while (host.wantsTurn);
  };
  return { loop, host, iterate, drain };
}

/** A loop for `runForever` and `runUntilComplete`, in simulated time. */
export function virtualLoop(): { loop: EventLoop; host: VirtualHost } {
  const host = new VirtualHost();
  return { loop: new EventLoop({ host }), host };
}

/** Takes over what the library logs until the test has finished. */
export function muteLog(level: 'error' | 'warn'): Mock<(...data: unknown[]) => void> {
  const muted = vi.spyOn(logger, level).mockImplementation(() => {});
  onTestFinished(() => muted.mockRestore());
  return muted;
}
