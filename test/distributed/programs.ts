// What users run: the command `asyncio worker`, and the example of the thumbnails, over a real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { sleep, timeout, wrapPromise } from 'asyncio-ts';
import { DistributedExecutor, WorkerLost } from 'asyncio-ts/distributed';
import { makePictures } from '../../examples/thumbnails/pictures.ts';
import { decode } from '../../examples/thumbnails/png.ts';
import { inRoot } from '../../scripts/lib/project.ts';
import { Program } from '../peers/lib/programs.ts';
import { until, work } from './contract.ts';
import { engineOf } from './engines.ts';

/** Where a program is checked. */
export interface Place {
  /** Of the server, as in `KINDS`. */
  readonly kind: string;
  readonly address: string;
  /** For files. */
  readonly folder: string;
}

/** A promise of a program. */
export interface ProgramCheck {
  readonly title: string;
  check(place: Place): Promise<void>;
}

/** How many pictures the example makes. */
const PICTURES = 24;

async function thumbnails({ address, folder }: Place, ...args: string[]): Promise<{ program: Program; made: string }> {
  const pictures = mkdtempSync(path.join(folder, 'pictures-'));
  await makePictures(pictures, PICTURES, 320, 240);
  const main = inRoot('examples/thumbnails/main.ts');
  const program = new Program(process.execPath, [main, pictures, '--engine', address, '--width', '80', ...args]);
  return { program, made: path.join(pictures, 'thumbnails') };
}

/** The processes that have a text in their command line. */
function processesWith(text: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // it has ended in the meantime
    }
  });
}

export const programs: readonly ProgramCheck[] = [
  {
    title: 'asyncio worker serves a file, and ends on SIGTERM when what runs is done',
    async check({ kind, address, folder }) {
      const queue = `cli-${process.pid}`;
      const engine = kind === 'nats' ? '--nats' : '--bullmq';
      await using worker = new Program(process.execPath, [
        ...[inRoot('dist/cli/main.js'), 'worker', path.join(import.meta.dirname, 'work.ts')],
        ...[engine, address, '--queue', queue, '--concurrency', '2', '--name', 'app:work'],
      ]);
      assert.match(await worker.line(), new RegExp(`^\\S+:\\d+/1 serves the queue '${queue}' over `));
      await using pool = new DistributedExecutor({ engine: engineOf(kind, address), queue });
      assert.equal(await pool.submit(work.add, 1, 2), 3);
      const file = path.join(folder, `cli-${kind}`);
      const last = pool.submit(work.slow, file, 'last', 1);
      await until('it has started', () => existsSync(file));
      worker.kill('SIGTERM');
      assert.equal(await last, 'last');
      const { output, code } = await worker.outputAndCode();
      assert.equal(code, 0, worker.errors);
      assert.equal(output[0], 'draining: no more jobs are taken');
      assert.match(output[1]!, /has ended after 2 jobs$/);
    },
  },
  {
    title: 'asyncio worker ends on the second SIGTERM although a thread computes, and its client hears it at once',
    async check({ kind, address, folder }) {
      const queue = `cli-threads-${process.pid}`;
      const engine = kind === 'nats' ? '--nats' : '--bullmq';
      await using worker = new Program(process.execPath, [
        ...[inRoot('dist/cli/main.js'), 'worker', path.join(import.meta.dirname, 'work.ts')],
        ...[engine, address, '--queue', queue, '--threads', '1'],
      ]);
      await worker.line();
      await using pool = new DistributedExecutor({ engine: engineOf(kind, address), queue });
      const file = path.join(folder, `cli-threads-${kind}`);
      const outcome = pool.submit(work.block, file, 'a', 600).catch((error: unknown) => error);
      await until('it computes', () => existsSync(file));
      worker.kill('SIGTERM');
      assert.equal(await worker.line(), 'draining: no more jobs are taken');
      worker.kill('SIGTERM');
      const { output, code } = await timeout(5, () => worker.outputAndCode());
      assert.equal(code, 0, worker.errors);
      assert.equal(output.at(-1), 'jobs that ran were cancelled');
      assert.ok((await timeout(5, async () => await wrapPromise(outcome))) instanceof WorkerLost);
    },
  },
  {
    title: 'asyncio worker drains when the shell is ended in which npx has started it',
    async check({ kind, address }) {
      const queue = `cli-npx-${process.pid}`;
      const engine = kind === 'nats' ? '--nats' : '--bullmq';
      const line = `"${process.execPath}" "${inRoot('dist/cli/main.js')}" worker "${path.join(import.meta.dirname, 'work.ts')}" ${engine} ${address} --queue ${queue}`;
      const shell = spawn('sh', ['-c', `${line}; exit`], {
        env: { ...process.env, npm_command: 'exec' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: string[] = [];
      let isOver = false;
      createInterface({ input: shell.stdout })
        .on('line', (text) => lines.push(text))
        .on('close', () => {
          isOver = true;
        });
      await until('it serves', () => lines.length > 0);
      shell.kill('SIGTERM');
      await until('it has ended', () => isOver);
      assert.equal(lines[1], 'npm was ended: draining: no more jobs are taken');
      assert.match(lines[2]!, /has ended after 0 jobs$/);
    },
  },
  {
    title: 'the thumbnails are all made although a worker is killed in the middle',
    async check(place) {
      const { program, made } = await thumbnails(place, '--kill');
      await using _ = program;
      const lines = await program.output();
      assert.ok(
        lines.some((line) => line.startsWith('killed worker ')),
        lines.join('\n'),
      );
      assert.equal(lines.at(-1), `${PICTURES} made, 0 failed, 0 left`);
      const files = readdirSync(made);
      assert.equal(files.length, PICTURES);
      for (const file of files) {
        const { width, height } = await decode(readFileSync(path.join(made, file)));
        assert.deepEqual([width, height], [80, 60]);
      }
      assert.deepEqual(processesWith(place.address), []);
    },
  },
  {
    title: 'the thumbnails say in a few words that there is no server, and leave no process',
    async check({ kind, folder }) {
      const address = kind === 'nats' ? 'nats://127.0.0.1:9' : `${kind}://127.0.0.1:9/none`; // the port of `discard`
      const { program } = await thumbnails({ kind, address, folder });
      await using _ = program;
      const { code } = await program.outputAndCode();
      assert.equal(code, 1);
      assert.match(program.errors, new RegExp(`^thumbnails: no worker could be started for ${address}$`, 'm'));
      assert.doesNotMatch(program.errors, /^ +at /m);
      assert.deepEqual(processesWith(address), []);
    },
  },
  {
    title: 'Ctrl-C ends the thumbnails without a process or half a file that is left',
    async check(place) {
      const { program, made } = await thumbnails(place);
      await using _ = program;
      await program.line();
      program.kill('SIGINT');
      const { output, code } = await program.outputAndCode();
      assert.equal(code, 130, program.errors);
      assert.match(output.at(-2)!, /^\d+ made, 0 failed, [1-9]\d* left$/);
      assert.equal(output.at(-1), 'interrupted');
      assert.deepEqual(
        readdirSync(made).filter((file) => !file.endsWith('.png')),
        [],
      );
      await sleep(0.1);
      assert.deepEqual(processesWith(place.address), []);
    },
  },
];
