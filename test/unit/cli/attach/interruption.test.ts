import { afterEach, describe, expect, it, vi } from 'vitest';
import { Inspector } from '../../../../src/cli/attach/inspector.ts';
import { Interrupted } from '../../../../src/cli/attach/interruption.ts';
import { listenersOf } from '../../../../src/cli/attach/listeners.ts';
import { Target } from '../../../../src/cli/attach/target.ts';
import { top } from '../../../../src/cli/top/top-command.ts';
import { withTarget } from '../../../support/targets.ts';

const PROGRAM = `
  import { Event, run } from 'asyncio-ts';
  setInterval(() => {}, 1_000);
  await run(async function main() {
    setTimeout(() => console.log('ready'), 1);
    await new Event().wait();
  });`;

afterEach(() => {
  vi.restoreAllMocks();
});

describe.runIf(process.platform === 'linux')('a tool that is interrupted while it enters a process', () => {
  it('is not left behind there where the inspector was open before', async () => {
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    await withTarget(
      PROGRAM,
      async ({ pid }) => {
        const { evaluate } = Inspector.prototype;
        vi.spyOn(Inspector.prototype, 'evaluate').mockImplementation(async function (this: Inspector, text, options) {
          const answer = evaluate.call(this, text, options);
          if (text !== 'process.pid') controller.abort(reason);
          return await answer;
        });
        await expect(Target.attach(pid, controller.signal)).rejects.toBe(reason);
        const inspector = (await Inspector.connect(listenersOf(pid)[0]!, new AbortController().signal))!;
        const { value } = await inspector.evaluate("globalThis[Symbol.for('asyncio-ts.tools')].users.size");
        inspector.close();
        expect(value).toBe(0);
      },
      ['--inspect=127.0.0.1:0'],
    );
  });
});

describe('asyncio top that is interrupted before it shows anything', () => {
  it('leaves a process that does not answer, and ends with the signal that came first', async () => {
    const detach = vi.fn(async () => {});
    const silent = { count: () => new Promise<void>(() => process.emit('SIGINT', 'SIGINT')), detach };
    vi.spyOn(Target, 'attach').mockResolvedValue(silent as Partial<Target> as Target);
    const streams = [process.stdin, process.stdout];
    const before = streams.map(({ isTTY }) => isTTY);
    for (const stream of streams) stream.isTTY = true;
    try {
      const ended = top({ pid: 4711 } as Parameters<typeof top>[0]);
      await expect(ended).rejects.toEqual(new Interrupted('SIGINT'));
    } finally {
      for (const [i, stream] of streams.entries()) stream.isTTY = before[i]!;
    }
    expect(detach).toHaveBeenCalledTimes(1);
  });
});
