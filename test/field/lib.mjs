// What every case needs: the library under test, named checks, real time limits, child processes. No dependency.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, isDeepStrictEqual } from 'node:util';

/** The dist folder, as a URL that ends with a slash: the one of this repository, or what ASYNCIO_TS names. */
export const dist = process.env.ASYNCIO_TS
  ? `${pathToFileURL(resolve(process.env.ASYNCIO_TS)).href}/`
  : new URL('../../dist/', import.meta.url).href;
export const core = await import(`${dist}index.js`);
export const node = await import(`${dist}node/index.js`);
export const testing = await import(`${dist}testing/index.js`);
export const runtime = globalThis.Deno ? 'deno' : globalThis.Bun ? 'bun' : 'node';

/** A promise that is not of the library. */
export const foreign = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

let passed = 0,
  failed = 0,
  finished = false;
const show = (value) => inspect(value, { depth: 6, breakLength: Infinity, compact: true });

/** Compares deeply, and says how it went. */
export function check(name, actual, expected) {
  const right = isDeepStrictEqual(actual, expected);
  right ? passed++ : failed++;
  console.log(right ? `ok   ${name}` : `FAIL ${name}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Ends the case: exit code 0 if every check was right. */
export function done() {
  finished = true;
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}

/** Ends a case that says nothing about this runtime. */
export function skip(why) {
  finished = true;
  console.log(`SKIP ${why}`);
  process.exit(0);
}

process.on('exit', () => {
  if (finished) return;
  console.log('FAIL the case ended before its last check');
  process.exitCode = 1;
});

/** The value of a promise, the name of its error, or 'HANGS' after so many real seconds. Does not use the library. */
export async function hangs(promise, seconds = 2) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, seconds * 1_000, 'HANGS');
  });
  const outcome = new Promise((resolve) => {
    promise.then(
      (value) => resolve(value),
      (error) => resolve(error?.name ?? String(error)),
    );
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}

let folder;
/** The path of a new file in a folder that is removed at the end. */
export function temporary(name, text) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'case-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

/**
 * Runs this runtime with arguments: { code, signal, stdout, stderr, hung }. After `limit` seconds it is killed, and `hung` is true.
 * `interrupts`: real seconds after its first output at which it gets SIGINT; `setup`: a shell command that comes before it.
 */
export function child(args, { limit = 5, interrupts = [], flags = [], env = {}, setup } = {}) {
  const all = [
    process.execPath,
    ...(runtime === 'deno' ? ['run', '-A', '--node-modules-dir=manual'] : []),
    ...flags,
    ...args,
  ];
  const [program, ...rest] = setup === undefined ? all : ['sh', '-c', `${setup}; exec "$0" "$@"`, ...all];
  return new Promise((resolve) => {
    const process_ = spawn(program, rest, {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result = { code: null, signal: null, stdout: '', stderr: '', hung: false };
    const timers = [
      setTimeout(() => {
        result.hung = true;
        process_.kill('SIGKILL');
      }, limit * 1_000),
    ];
    process_.stdout
      .setEncoding('utf8')
      .once('data', () => {
        for (const after of interrupts) timers.push(setTimeout(() => process_.kill('SIGINT'), after * 1_000));
      })
      .on('data', (text) => {
        result.stdout += text;
      });
    process_.stderr.setEncoding('utf8').on('data', (text) => {
      result.stderr += text;
    });
    const end = (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ ...result, code, signal });
    };
    process_.on('close', end);
    process_.on('exit', (code, signal) => timers.push(setTimeout(end, 1_000, code, signal))); // pipes that stay open
    timers.push(setTimeout(end, limit * 1_000 + 2_000, null, 'SIGKILL'));
  });
}

/**
 * Runs a snippet as a program of its own: text, or a function, of which the text is taken. It sees what this module exports.
 * `gc`: with `globalThis.gc`. `before`: text that runs before the library is loaded. Otherwise as `child`.
 */
export async function inProcess(code, { gc = false, before = '', ...options } = {}) {
  const text = typeof code === 'function' ? `await (${code})();` : code;
  const file = temporary(
    `snippet-${Math.random().toString(36).slice(2)}.mjs`,
    `${before}
if (globalThis.Bun) globalThis.gc ??= () => Bun.gc(true);
const dist = ${JSON.stringify(dist)};
const core = await import(dist + 'index.js'), node = await import(dist + 'node/index.js');
const foreign = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
${text}\n`,
  );
  const flags = !gc || runtime === 'bun' ? [] : runtime === 'deno' ? ['--v8-flags=--expose-gc'] : ['--expose-gc'];
  return await child([file], { ...options, flags });
}

/** The lines that a program wrote. */
export const lines = (text) => text.split('\n').filter((line) => line !== '');
