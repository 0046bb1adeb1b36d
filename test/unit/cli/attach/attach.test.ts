import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, type ExpectStatic, expect as expectOutside, it } from 'vitest';
import { Inspector } from '../../../../src/cli/attach/inspector.ts';
import { listenersOf } from '../../../../src/cli/attach/listeners.ts';
import { expectedAddress, openInspector } from '../../../../src/cli/attach/open-inspector.ts';
import { Target } from '../../../../src/cli/attach/target.ts';
import { cli } from '../../../../src/cli/cli.ts';
import { asyncio } from '../../../support/command.ts';
import { withTarget } from '../../../support/targets.ts';

const FROM_SOURCE = new URL('../../../support/from-source.ts', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url));

// Processes that look at processes: each target is one of its own, with any free port for its inspector, and says when it is ready.

const ALBUM = `
  import { Event, run, taskGroup } from 'asyncio-ts';
  const never = new Event();
  async function playTrack() { await never.wait(); }
  function* playAlbum(tracks: string[]) {
    const count = tracks.length;
    yield* taskGroup(function* (group) {
      for (const track of tracks) group.createTask(playTrack, { name: track });
    });
    return count;
  }
  async function main() {
    await taskGroup(async (group) => {
      group.createTask(playAlbum(['TNDNBTG', 'Levitate']), { name: 'Sundowning' });
      group.createTask(playAlbum(['DYWTYLM', 'Aqua Regia']), { name: 'TMBTE' });
      setTimeout(() => console.log('ready'), 1);
    });
  }
  // What stands still for ever is kept alive by this.
  setInterval(() => {}, 1_000);
  await run(main);`;

/** The same program in the middle of a loop that never ends. */
const SPINNING = ALBUM.replace("console.log('ready'), 1", "{ console.log('ready'); for (;;); }, 1");

/** A program that does not import the library. */
const WAITING = "setInterval(() => {}, 1_000); console.log('ready')";

/** Never aborted. */
const ON_AND_ON = new AbortController().signal;

/** A port that nothing has just now. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

const isLinux = process.platform === 'linux';

/** Each of several tools has sent a signal. If the last signal opens the inspector once more, it is closed a moment later. */
async function untilClosed(pid: number, { poll }: Pick<ExpectStatic, 'poll'>): Promise<void> {
  await poll(() => listenersOf(pid), { timeout: 2_000, interval: 5 }).toEqual([]);
}

describe.runIf(isLinux)('a process that merely imports the library', { concurrent: true, timeout: 30_000 }, () => {
  it('is shown as the tree that CPython documents, and its inspector is closed afterwards', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      expect(listenersOf(pid)).toEqual([]);
      expect(await asyncio(['pstree', String(pid)])).toEqual({
        code: 0,
        stdout: [
          'main#1',
          '├─ Sundowning  playAlbum()',
          '│  ├─ TNDNBTG  playTrack()  waits for wait() of <Event [unset, waiters:4]>',
          '│  └─ Levitate  playTrack()  waits for wait() of <Event [unset, waiters:4]>',
          '└─ TMBTE  playAlbum()',
          '   ├─ DYWTYLM  playTrack()  waits for wait() of <Event [unset, waiters:4]>',
          '   └─ Aqua Regia  playTrack()  waits for wait() of <Event [unset, waiters:4]>',
        ],
        stderr: '',
      });
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  it('is shown as the table that CPython documents: each task with who awaits it', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const { code, stdout } = await asyncio(['ps', String(pid)]);
      expect(code).toBe(0);
      expect(stdout.map((line) => line.split(/ {2,}/)).map((cells) => [cells[0], cells.at(-1)])).toEqual([
        ['TASK', 'AWAITED BY'],
        ['main#1', '-'],
        ['Sundowning', 'main#1'],
        ['TMBTE', 'main#1'],
        ['TNDNBTG', 'Sundowning'],
        ['Levitate', 'Sundowning'],
        ['DYWTYLM', 'TMBTE'],
        ['Aqua Regia', 'TMBTE'],
      ]);
    });
  });

  it('is looked at while it is in a loop that never ends, and its inspector is closed all the same', async ({
    expect,
  }) => {
    await withTarget(SPINNING, async ({ pid }) => {
      const { code, stdout } = await asyncio(['pstree', String(pid)]);
      expect([code, stdout.length]).toEqual([0, 7]);
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  // Node opens the inspector for one signal twice: from the midst of the program at once, and when its loop goes on.
  it('is looked at while its loop is blocked, and its inspector is closed also when the loop has gone on', async ({
    expect,
  }) => {
    const blocked = ALBUM.replace(
      "console.log('ready'), 1",
      "{ console.log('ready'); for (const end = Date.now() + 3_000; Date.now() < end; ); setTimeout(() => console.log('on'), 500) }, 1",
    );
    await withTarget(blocked, async ({ pid, line, stdout }) => {
      const { code, stdout: tree } = await asyncio(['pstree', String(pid)]);
      expect([code, tree.length, stdout, listenersOf(pid)]).toEqual([0, 7, ['ready'], []]);
      await line('on');
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  it('is shown with whole lines in a terminal that says that it has no columns, as one of no known size does', async ({
    expect,
  }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      let shown = '';
      const streams = { stdout: { write: (text: string) => (shown += text), columns: 0 }, stderr: { write: () => {} } };
      for (const [command, last] of [
        ['pstree', 'waits for wait() of <Event [unset, waiters:4]>'],
        ['ps', 'Aqua Regia'],
      ] as const) {
        shown = '';
        expect(await cli([command, String(pid)], streams)).toBe(0);
        expect(shown).toContain(last);
      }
    });
  });

  it('shows where generators are suspended, and their local variables', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const { stdout } = await asyncio(['ps', '--locals', String(pid)]);
      expect(stdout[2]).toMatch(/^Sundowning /);
      expect(stdout[3]).toMatch(/^ {4}playAlbum\(\) at .*target\.ts:7:\d+$/);
      expect(stdout.slice(4, 6)).toEqual([`      tracks = ["TNDNBTG", "Levitate"]`, '      count = 2']);
    });
  });

  it('shows the generators that its async functions await, also in branches', async ({ expect }) => {
    const program = `
      import { coroutine, createTask, run, sleep } from 'asyncio-ts';
      const load = coroutine(function* load(page: number) { yield* sleep(100); });
      async function fetchPage(page: number) { await load(page); }
      function* alone() { yield* coroutine(fetchPage)(7); }
      async function both() { await Promise.all([fetchPage(1), fetchPage(2)]); }
      await run(async function main() {
        const tasks = [createTask(alone), createTask(both)];
        setTimeout(() => console.log('ready'), 1);
        await Promise.all(tasks);
      });`;
    await withTarget(program, async ({ pid }) => {
      const { stdout } = await asyncio(['pstree', '--locals', String(pid)]);
      const lines = stdout.map((line) => line.replace(/at .*target\.ts/, 'at target.ts').replace(/:\d+$/, ''));
      expect(lines).toEqual([
        'main#1  waits for alone#2; both#3',
        '├─ alone#2  alone() → load()  waits for sleep()',
        '│     alone() at target.ts:5',
        '│     load() at target.ts:3',
        '│       page = 7',
        '└─ both#3  both() → load(); load()  waits for 2 × sleep()',
        '      load() at target.ts:3',
        '        page = 1',
        '      load() at target.ts:3',
        '        page = 2',
      ]);
    });
  });

  it('is looked at in part where there is a limit, and its tree stays whole as far as it goes', async ({ expect }) => {
    const program = `
      import { Event, run, taskGroup } from 'asyncio-ts';
      setInterval(() => {}, 1_000);
      await run(async function main() {
        await taskGroup(async (group) => {
          for (let i = 0; i < 300; i++) group.createTask(async function idle() { await new Event().wait(); });
          setTimeout(() => console.log('ready'), 1);
        });
      });`;
    await withTarget(program, async ({ pid }) => {
      const { stdout } = await asyncio(['pstree', '--limit', '200', String(pid)]);
      expect(stdout.filter((line) => /^[├└]─ /.test(line))).toHaveLength(199);
      expect([stdout.length, stdout[0], stdout.at(-1)]).toEqual([
        201,
        'main#1  waits for idle#2, idle#3, idle#4 and 297 more of its task group',
        'and about 101 more tasks: --limit shows more',
      ]);
    });
  });

  it('is left as usual where nobody reads what is printed', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, 'ps', String(pid)], {
        env: { ...process.env, NODE_OPTIONS: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.destroy();
      const stderr = await text(child.stderr);
      expect([stderr, listenersOf(pid)]).toEqual(['', []]);
    });
  });

  it('is left as usual when the output cannot be written, and the command says so', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, 'ps', String(pid)], {
        env: { ...process.env, NODE_OPTIONS: '' },
        stdio: ['ignore', full, 'pipe'],
      });
      closeSync(full);
      const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr!)]);
      expect(stderr).toMatch(/^asyncio: the output cannot be written: ENOSPC: [^\n]*\n$/);
      expect([code, listenersOf(pid)]).toEqual([1, []]);
    });
  });

  it('is printed as data', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const { code, stdout } = await asyncio(['ps', '--json', String(pid)]);
      const data = JSON.parse(stdout.join('\n')) as { tasks: { id: number; name: string; awaits: number[] }[] };
      expect(code).toBe(0);
      expect(data).toMatchObject({ pid, total: 7, cycles: [] });
      const nameOf = (id: number) => data.tasks.find((task) => task.id === id)!.name;
      expect(data.tasks[0]!.awaits.map(nameOf)).toEqual(['Sundowning', 'TMBTE']);
    });
  });

  it('shows nothing of its names that a terminal would obey', async ({ expect }) => {
    const program = ALBUM.replace("'TNDNBTG'", "'\\x1b]0;\\x07\\u202e\\x9b'");
    await withTarget(program, async ({ pid }) => {
      for (const command of [['pstree'], ['ps'], ['ps', '--json'], ['ps', '--locals']]) {
        const { stdout } = await asyncio([...command, String(pid)]);
        expect(stdout.join('')).not.toMatch(/[\p{Cc}\u202e]/u);
      }
    });
  });

  it('keeps its inspector open where that was open before', async ({ expect }) => {
    await withTarget(
      ALBUM,
      async ({ pid }) => {
        const before = listenersOf(pid);
        expect(before).toHaveLength(1);
        expect((await asyncio(['ps', String(pid)])).code).toBe(0);
        expect(listenersOf(pid)).toEqual(before);
      },
      ['--inspect=127.0.0.1:0'],
    );
  });

  it('is found at another port than the expected one', async ({ expect }) => {
    // What looks like an option of Node belongs to the program, and Node takes any free port.
    await withTarget(`process.title = 'node --inspect-port=1'; ${WAITING}`, async ({ pid }) => {
      expect(expectedAddress(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), '')?.port).toBe(1);
      const { inspector, hasOpened } = await openInspector(pid, ON_AND_ON);
      expect([(await inspector.evaluate('process.pid')).value, hasOpened]).toEqual([pid, true]);
      inspector.close();
    });
  });

  it('is found at the port at which it has opened its inspector itself, though another program has the expected one', async ({
    expect,
  }) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const opening = `
      import inspector from 'node:inspector';
      for (let port = 9230; inspector.url() === undefined; port++) try { inspector.open(port); } catch {}
      ${WAITING}`;
    try {
      await withTarget(
        opening,
        async ({ pid }) => {
          const { inspector, hasOpened } = await openInspector(pid, ON_AND_ON);
          expect([(await inspector.evaluate('process.pid')).value, hasOpened]).toEqual([pid, false]);
          inspector.close();
        },
        [`--inspect-port=${port}`],
      );
    } finally {
      other.close();
    }
  });

  it('may be looked at by two tools at once: the last one to go closes its inspector', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const [one, other] = await Promise.all([Target.attach(pid), Target.attach(pid)]);
      expect((await one.look()).tasks).toHaveLength(7);
      await one.detach();
      expect(listenersOf(pid)).toHaveLength(1);
      expect((await other.look()).tasks).toHaveLength(7);
      await other.detach();
      await untilClosed(pid, expect);
    });
  });

  it('is looked at by two commands at the same moment, again and again, and its inspector is closed after each pair', async ({
    expect,
  }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      for (let round = 0; round < 8; round++) {
        const looks = ['pstree', 'ps'].map(async (command) => await asyncio([command, String(pid)]));
        const [tree, table] = await Promise.all(looks);
        expect([tree!.code, tree!.stderr, tree!.stdout.length]).toEqual([0, '', 7]);
        expect([table!.code, table!.stderr, table!.stdout.length]).toEqual([0, '', 8]);
        await untilClosed(pid, expect);
      }
    });
  });

  it('is found by the second tool where the first one has closed what the signal of both had opened', async ({
    expect,
  }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      for (let round = 0; round < 10; round++) {
        const first = Target.attach(pid).then(async (target) => await target.detach());
        const others = [1, 2, 3].map(async (turn) => {
          await new Promise((resolve) => setTimeout(resolve, 3 * turn));
          const target = await Target.attach(pid);
          expect((await target.look()).tasks).toHaveLength(7);
          await target.detach();
        });
        await Promise.all([first, ...others]);
        await untilClosed(pid, expect);
      }
    });
  });

  it.runIf(hasIpv6)(
    'is reached where its inspector is open at an address of IPv6, or is to be opened there',
    async ({ expect }) => {
      const port = await freePort('::1');
      for (const [option, isOpen] of [
        [`--inspect=[::1]:${port}`, true],
        [`--inspect-port=[::1]:${port}`, false],
      ] as const) {
        await withTarget(
          ALBUM,
          async ({ pid }) => {
            const { code, stdout, stderr } = await asyncio(['pstree', String(pid)]);
            expect([code, stderr, stdout.length]).toEqual([0, '', 7]);
            expect(listenersOf(pid)).toEqual(isOpen ? [{ host: '::1', port }] : []);
          },
          [option],
        );
      }
    },
  );

  it('is found among many servers of its own that say nothing, and its inspector is closed afterwards', async ({
    expect,
  }) => {
    const silent = `
      import { createServer } from 'node:net';
      import { once } from 'node:events';
      for (let i = 0; i < 12; i++) await once(createServer(() => {}).listen(0, '127.0.0.1'), 'listening');
      ${ALBUM}`;
    await withTarget(silent, async ({ pid }) => {
      const before = listenersOf(pid);
      expect(before).toHaveLength(12);
      const began = performance.now();
      const { code, stderr, stdout } = await asyncio(['pstree', String(pid)]);
      expect([code, stderr, stdout.length]).toEqual([0, '', 7]);
      // Twelve that were asked one after the other would have taken 24 s.
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(listenersOf(pid)).toEqual(before);
    });
  });

  it('is left as it was where Ctrl-C ends the command, at whatever moment that comes', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      for (const moment of [0, 5, 10, 15, 20, 30, 40]) {
        const controller = new AbortController();
        const reason = new Error('Ctrl-C');
        setTimeout(() => controller.abort(reason), moment);
        const target = await Target.attach(pid, controller.signal).catch((error: unknown) => {
          expect(error).toBe(reason);
          return null;
        });
        await target?.detach();
        expect(listenersOf(pid)).toEqual([]);
      }
    });
  });

  it('is left by a command that is interrupted while it looks, which ends with the code for that', async ({
    expect,
  }) => {
    const many = `
      import { Event, run, taskGroup } from 'asyncio-ts';
      setInterval(() => {}, 1_000);
      await run(async function main() {
        await taskGroup(async (group) => {
          for (let i = 0; i < 60_000; i++) group.createTask(async function idle() { await new Event().wait(); });
          setTimeout(() => console.log('ready'), 1);
        });
      });`;
    await withTarget(many, async ({ pid, line }) => {
      const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, 'ps', String(pid)], {
        env: { ...process.env, NODE_OPTIONS: '' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await line('ready');
      while (listenersOf(pid).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill('SIGINT');
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      expect([stderr, code, listenersOf(pid)]).toEqual(['', 130, []]);
    });
  });

  it('may have a task cancelled, which is told who did it; steps are counted while somebody looks', async ({
    expect,
  }) => {
    const program = `
      import { createTask, Event, run, sleep } from 'asyncio-ts';
      await run(async function main() {
        createTask(async () => { for (;;) await sleep(0.001); }, { name: 'ticker' });
        createTask(async () => {
          try { await new Event().wait(); } catch (error) { console.log(String(error)); throw error; }
        }, { name: 'idle' });
        setTimeout(() => console.log('ready'), 1);
        await new Event().wait();
      });`;
    await withTarget(program, async ({ pid, line }) => {
      const target = await Target.attach(pid);
      const find = async (name: string) => (await target.look()).tasks.find((task) => task.name === name);
      expect((await find('ticker'))!.counts).toBe(null);
      await target.count();
      await expect.poll(async () => (await find('ticker'))!.counts?.steps ?? 0, { timeout: 10_000 }).toBeGreaterThan(5);
      const { id } = (await find('idle'))!;
      expect(await target.cancel(id, 'by a test')).toBe(true);
      await line('CancelledError: by a test');
      await expect.poll(() => find('idle'), { timeout: 10_000 }).toBe(undefined);
      expect(await target.cancel(id, 'again')).toBe(false);
      await target.detach();
    });
  });

  it('tells a tool that it has dropped, as it does after half a minute without a word', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid }) => {
      const target = await Target.attach(pid);
      const inspector = (await Inspector.connect(listenersOf(pid)[0]!, ON_AND_ON))!;
      await inspector.evaluate("globalThis[Symbol.for('asyncio-ts.tools')].users.clear()");
      inspector.close();
      await expect(target.look()).rejects.toThrow(
        `process ${pid} has not heard of this tool for 30 s, and has dropped it`,
      );
      await target.detach();
    });
  });

  it('that ends while it is looked at is told as such', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid, child }) => {
      const target = await Target.attach(pid);
      child.kill('SIGKILL');
      await target.closed;
      await expect(target.look()).rejects.toThrow(`process ${pid} has ended while it was looked at`);
      await target.detach(); // nothing is left to be removed
    });
  });
});

describe.runIf(isLinux)('a process that ends by itself while it is looked at', { timeout: 30_000 }, () => {
  it('is told as such, though it waits for its inspector to be left', async ({ expect }) => {
    const program = ALBUM.replace(
      'await run(main);',
      "process.on('SIGTERM', () => process.exit(0));\n  await run(main);",
    );
    await withTarget(program, async ({ pid, child }) => {
      const target = await Target.attach(pid);
      child.kill('SIGTERM');
      // Until the program is gone, it answers.
      const looks = async () => {
        for (;;) await target.look();
      };
      await expect(looks()).rejects.toThrow(`process ${pid} has ended while it was looked at`);
      await target.detach(); // does not throw, and lets the process go
      if (child.exitCode === null) await once(child, 'exit');
    });
  });
});

describe.runIf(isLinux)('what cannot be looked at', { concurrent: true, timeout: 30_000 }, () => {
  it('is a process that does not exist', async ({ expect }) => {
    const stderr = `asyncio: there is no process ${2 ** 30}\n`;
    expect(await asyncio(['ps', String(2 ** 30)])).toEqual({ code: 1, stdout: [], stderr });
  });

  it('is a process that is stopped, which gets no signal', async ({ expect }) => {
    await withTarget(ALBUM, async ({ pid, child }) => {
      child.kill('SIGSTOP');
      const message = `asyncio: process ${pid} is stopped: let it go on first, with kill -CONT ${pid}\n`;
      expect(await asyncio(['ps', String(pid)])).toEqual({ code: 1, stdout: [], stderr: message });
      child.kill('SIGCONT');
      expect((await asyncio(['ps', String(pid)])).code).toBe(0);
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  it('is a process of Node that has no loop, and its inspector is closed again', async ({ expect }) => {
    await withTarget(WAITING, async ({ pid }) => {
      const { code, stdout, stderr } = await asyncio(['pstree', String(pid)]);
      expect([code, stdout]).toEqual([1, []]);
      expect(stderr).toBe(
        `asyncio: process ${pid} (Node) has no event loop of asyncio-ts in its main thread: it does not import the library, or has not made a loop yet\n`,
      );
      expect(listenersOf(pid)).toEqual([]);
    });
  });

  it('is a process whose port another program has taken, to which nothing is sent', async ({ expect }) => {
    let connections = 0;
    let received = '';
    const server = createServer((socket) => {
      connections++;
      socket.setEncoding('latin1').on('data', (text) => {
        received += text;
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await withTarget(
      WAITING,
      async ({ pid }) => {
        await expect(openInspector(pid, ON_AND_ON)).rejects.toThrow(
          `port ${port}, which the inspector of process ${pid} needs, is taken by another process`,
        );
        expect([connections > 0, received, listenersOf(pid)]).toEqual([true, '', []]);
      },
      [`--inspect-port=${port}`],
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it('is a process of Node that does not listen to the signal', async ({ expect }) => {
    await withTarget(
      WAITING,
      async ({ pid }) => {
        const { code, stderr } = await asyncio(['ps', String(pid)]);
        expect(code).toBe(1);
        expect(stderr).toMatch(`process ${pid} does not let SIGUSR1 open its inspector`);
      },
      ['--disable-sigusr1'],
    );
  });

  // The signal means something else to others, and ends most of them.
  it('is a program that is not Node, which gets no signal', async ({ expect }) => {
    const shell = spawn('sh', ['-c', 'trap "exit 3" USR1; echo ready; while :; do sleep 0.05; done'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => shell.stdout.once('data', resolve));
    const { code, stderr } = await asyncio(['ps', String(shell.pid)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^asyncio: process \d+ runs \w+, not Node: asyncio looks into processes of Node\n$/);
    const ended = new Promise((resolve) => shell.on('exit', (_code, signal) => resolve(signal)));
    shell.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
  });

  it.each([
    ['bun', 'Bun', ['-e', 'setInterval(() => {}, 1_000); console.log("ready")']],
    ['deno', 'Deno', ['eval', 'setInterval(() => {}, 1_000); console.log("ready")']],
  ])('is a process of %s, which gets no signal', async (command, name, args) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve, reject) => child.on('error', reject).stdout.once('data', resolve));
    const { code, stderr } = await asyncio(['ps', String(child.pid)]);
    expectOutside(code).toBe(1);
    expectOutside(stderr).toMatch(`runs ${name}, whose inspector cannot be opened from outside`);
    const ended = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
    child.kill('SIGKILL');
    expectOutside(await ended).toBe('SIGKILL');
  });

  it('is anything for top where there is no terminal', async ({ expect }) => {
    const { code, stderr } = await asyncio(['top', '1']);
    expect(code).toBe(2);
    expect(stderr).toContain('top: needs a terminal to draw in: write asyncio ps 1 to print the tasks once');
  });
});
