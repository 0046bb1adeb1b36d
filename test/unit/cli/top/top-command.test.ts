import { describe, it } from 'vitest';
import { listenersOf } from '../../../../src/cli/attach/listeners.ts';
import { hasPty, inTerminal } from '../../../support/pty.ts';
import { withTarget } from '../../../support/targets.ts';

const PROGRAM = `
  import { createTask, Event, run } from 'asyncio-ts';
  setInterval(() => {}, 1_000);
  await run(async function main() {
    createTask(async () => {
      try { await new Event().wait(); } catch (error) { console.log(String(error)); console.log('cancelled'); throw error; }
    }, { name: 'victim' });
    setTimeout(() => console.log('ready'), 1);
    await new Event().wait();
  });`;

const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?1049l';

// The terminal comes from a program of util-linux, which is not everywhere.
describe.runIf(hasPty)('asyncio top in a terminal', { concurrent: true, timeout: 30_000 }, () => {
  it('draws on a screen of its own, cancels by its keys, and gives the screen back', async ({ expect }) => {
    await withTarget(PROGRAM, async ({ pid, line, stdout }) => {
      await inTerminal(['top', '--write', String(pid)], {}, async (terminal) => {
        await terminal.shows(ENTER);
        await terminal.shows('victim');
        terminal.type('/victim\r');
        terminal.type('k');
        await terminal.shows('cancel victim?');
        terminal.type('y');
        await terminal.shows('its cancellation is requested');
        await line('cancelled');
        expect(stdout.at(-2)).toMatch(/^CancelledError: cancelled by asyncio top \(process \d+/);
        terminal.type('q');
        await terminal.shows(LEAVE);
        expect(await terminal.ended).toBe(0);
      });
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  it('gives the screen back when the process that it looks at ends, and says so', async ({ expect }) => {
    await withTarget(PROGRAM, async ({ pid, child }) => {
      await inTerminal(['top', String(pid)], {}, async (terminal) => {
        await terminal.shows('victim');
        child.kill('SIGKILL');
        await terminal.shows(LEAVE);
        await terminal.shows(`asyncio: process ${pid} has ended while it was looked at`);
        expect(await terminal.ended).toBe(1);
      });
    });
  });

  it('ends on Ctrl-C with the screen given back', async ({ expect }) => {
    await withTarget(PROGRAM, async ({ pid }) => {
      await inTerminal(['top', String(pid)], {}, async (terminal) => {
        await terminal.shows('victim');
        terminal.type('\x03');
        await terminal.shows(LEAVE);
        expect(await terminal.ended).toBe(0);
      });
    });
  });
});
