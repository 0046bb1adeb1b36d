import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startTracing } from 'asyncio-ts/inspect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../../../src/cli/cli.ts';
import { loadTrace } from '../../../src/cli/trace-command.ts';
import { tracePage } from '../../../src/cli/trace-page.ts';
import { traceRun } from '../../../src/cli/trace-run.ts';
import * as library from '../../../src/index.ts';
import { createTask, sleep } from '../../../src/index.ts';
import { runVirtually } from '../../support/spellings.ts';

/** A name that tries everything. */
const EVIL = '</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> & "\' \u2028 ${1} \u202e';

async function recorded() {
  const tracing = startTracing();
  await runVirtually(async () => await createTask(async () => await sleep(1), { name: EVIL }));
  tracing.stop();
  return tracing.toJSON();
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-trace-'));
});
const argv = [...process.argv];
afterEach(() => {
  rmSync(folder, { recursive: true });
  process.argv = [...argv];
});

async function command(...argv: string[]) {
  let out = '';
  let err = '';
  const code = await cli(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

describe('the page of a trace', () => {
  it('holds the trace as it is, and nothing of it becomes markup or code', async () => {
    const trace = await recorded();
    const page = tracePage({ title: EVIL, trace, viewer: 'export function createTimeline() { return "</script>"; }' });
    // Two script elements that end where they should: the data, and the viewer.
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script/g)).toHaveLength(2);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<!--');
    const data = /<script id="trace" type="application\/json">(.*)<\/script>/.exec(page)![1]!;
    expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(trace.traceEvents)));
  });

  it('allows no request, and needs none', async () => {
    const page = tracePage({ title: 'a', trace: await recorded(), viewer: '' });
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<[a-z][^<>]*\s(?:src|href)=/);
  });
});

describe('asyncio trace', () => {
  it('refuses to write the page over the trace, by whatever name it is called', async () => {
    const file = path.join(folder, 'trace.json');
    const link = path.join(folder, 'trace.json.html');
    const text = JSON.stringify(await recorded());
    writeFileSync(file, text);
    symlinkSync(file, link);
    for (const target of [file, path.join(folder, '.', 'trace.json'), link]) {
      const { code, err } = await command('trace', '-o', target, file);
      expect(code).toBe(2);
      expect(err).toContain(
        `'${target}' is the trace itself, which the page would replace: write -o with another name`,
      );
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it.each([
    ['nothing.json', null, 'cannot open'],
    ['empty.json', '', 'is empty'],
    ['text.json', 'hello', 'is not JSON'],
    [
      'cut.json',
      '{"displayTimeUnit":"ms","otherData":{"format":"asyncio-ts trace","version":1},"tr',
      'ends in the middle',
    ],
    ['new.json', '{"otherData":{"format":"asyncio-ts trace","version":9},"traceEvents":[]}', 'has version 9'],
    ['list.json', '[]', 'is no trace of asyncio-ts'],
  ])('refuses %s with what is wrong', async (name, text, problem) => {
    const file = path.join(folder, name);
    if (text !== null) writeFileSync(file, text);
    const { code, out, err } = await command('trace', file);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(problem);
    expect(err).toContain(name);
  });

  it('takes a file that ends in the middle as far as it goes, and knows that it does', async () => {
    const { traceEvents, ...head } = await recorded();
    const lines = traceEvents.map((event) => JSON.stringify(event)).join(',\n');
    const whole = `${JSON.stringify(head).slice(0, -1)},"traceEvents":[\n${lines}\n]}`;
    const file = path.join(folder, 'cut.json');
    const loaded = (length: number) => {
      writeFileSync(file, whole.slice(0, length));
      return loadTrace(file);
    };
    const events = (count: number) => JSON.parse(JSON.stringify({ ...head, traceEvents: traceEvents.slice(0, count) }));
    const third = whole.split('\n', 4).join('\n').length;
    for (const length of [third + 1, third + 2, third + 9]) {
      expect(loaded(length)).toEqual({ trace: events(3), isCut: true });
    }
    expect(loaded(whole.length - 2)).toEqual({ trace: events(traceEvents.length), isCut: true });
    expect(loaded(whole.length)).toEqual({ trace: events(traceEvents.length), isCut: false });
    expect(() => loaded(whole.indexOf('\n') + 9)).toThrow('ends in the middle');
  });

  it('refuses a folder, in place of a file', async () => {
    const { code, err } = await command('trace', folder);
    expect(code).toBe(2);
    expect(err).toContain('cannot open');
  });
});

describe('asyncio run --trace', () => {
  it('refuses to write the trace over the program', async () => {
    const program = path.join(folder, 'program.mjs');
    const text = 'export function main() {}';
    writeFileSync(program, text);
    const { code, err } = await command('run', '--trace', program, program);
    expect(code).toBe(2);
    expect(err).toContain('is the program itself, which the trace would replace: write asyncio run --trace trace.json');
    expect(readFileSync(program, 'utf8')).toBe(text);
  });

  const PROGRAM = `
    export async function main() {
      await new Promise((ok) => setTimeout(ok, 1));
      if (process.argv[2] === 'fail') throw new Error('no');
    }`;

  it.each([
    ['', 0],
    ['fail', 1],
  ])(
    'writes a whole trace, however the program ends (%s)',
    async (argument, code) => {
      const program = path.join(folder, 'program.mjs');
      const file = path.join(folder, 'trace.json');
      writeFileSync(program, PROGRAM);
      const result = await command('run', '--trace', file, program, ...(argument === '' ? [] : [argument]));
      expect(result.code).toBe(code);
      const trace = JSON.parse(readFileSync(file, 'utf8'));
      expect(trace.otherData).toEqual({ format: 'asyncio-ts trace', version: 1 });
      const names = trace.traceEvents.map((event: { args?: { name?: string } }) => event.args?.name);
      expect(names.some((name: string) => /^main#\d+$/.test(name))).toBe(true);
    },
    20_000,
  ); // the first of them loads all of asyncio-ts/node

  it('says that the copy of the library that the program has is too old', async () => {
    const copy = { api: library, folder: '/shop/node_modules/asyncio-ts/dist', part: async () => ({}) };
    await expect(traceRun('trace.json', copy)).rejects.toThrow(
      'run: --trace needs a newer asyncio-ts than that of the program, which is in /shop/node_modules/asyncio-ts/dist',
    );
  });

  it('says that the file cannot be written before anything runs', async () => {
    const program = path.join(folder, 'program.mjs');
    writeFileSync(program, 'export function main() { throw new Error("ran"); }');
    const { code, err } = await command('run', '--trace', path.join(folder, 'no', 'trace.json'), program);
    expect(code).toBe(2);
    expect(err).toContain('cannot write');
    expect(err).not.toContain('ran');
  });
});
