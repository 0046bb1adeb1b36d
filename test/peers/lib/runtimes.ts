import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { inRoot, root } from '../../../scripts/lib/project.ts';
import { type PeersReport, REPORT_MARK } from './report.ts';

/** For all checks of a runtime, and for the process to end once it has reported, in milliseconds. */
const TIME_TO_REPORT = 600_000;
const TIME_TO_END = 10_000;
/** For everything to end after Ctrl-C. */
const TIME_TO_STOP = 3_000;

/** Ctrl-C was pressed. */
export class Interrupted extends Error {}

/** A runtime: where its executable may be, and the arguments that make it use another folder for the package. */
interface RuntimeProgram {
  readonly places: readonly string[];
  readonly args: readonly string[];
  argsFor(lib: string, folder: string): string[];
}

/** The file that a name of the package means in another folder. */
function entryOf(lib: string, entry: string): string {
  const made = path.join(lib, entry, 'index.js');
  return existsSync(made) ? made : path.join(lib, entry, 'index.ts');
}

function entries(lib: string): Record<string, string> {
  return { 'asyncio-ts': entryOf(lib, ''), 'asyncio-ts/node': entryOf(lib, 'node') };
}

function written(folder: string, name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

export const RUNTIMES: Readonly<Record<string, RuntimeProgram>> = {
  node: {
    places: [process.execPath],
    args: [],
    argsFor: (lib, folder) => {
      const map = JSON.stringify(
        Object.fromEntries(Object.entries(entries(lib)).map(([name, file]) => [name, pathToFileURL(file).href])),
      );
      const hooks = `import { registerHooks } from 'node:module';
        const map = ${map};
        registerHooks({ resolve: (name, context, next) => name in map ? { url: map[name], shortCircuit: true } : next(name, context) });`;
      return ['--import', pathToFileURL(written(folder, 'hooks.mjs', hooks)).href];
    },
  },
  bun: {
    places: [inRoot('node_modules/bun/bin/bun.exe')],
    args: [],
    argsFor: (lib, folder) => {
      const paths = Object.fromEntries(Object.entries(entries(lib)).map(([name, file]) => [name, [file]]));
      return ['--tsconfig-override', written(folder, 'tsconfig.json', JSON.stringify({ compilerOptions: { paths } }))];
    },
  },
  deno: {
    places: [inRoot('node_modules/deno/deno'), inRoot('node_modules/deno/deno.exe')],
    args: ['run', '--allow-all', '--no-check', '--no-lock', '--no-remote'],
    argsFor: (lib, folder) => {
      const imports = Object.fromEntries(
        Object.entries(entries(lib)).map(([name, file]) => [name, pathToFileURL(file).href]),
      );
      return ['--import-map', written(folder, 'imports.json', JSON.stringify({ imports }))];
    },
  },
};

/** Runs the checks of some peers in a runtime. Their lines are printed as they come. */
export async function runIn(name: string, lib: string | null, peers: readonly string[]): Promise<PeersReport> {
  const { places, args, argsFor } = RUNTIMES[name]!;
  const executable = places.find((place) => existsSync(place));
  if (executable === undefined)
    return { passed: 0, failed: 0, skipped: [`${name} is not installed: it comes with \`npm ci\``] };
  const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-peers-'));
  chmodSync(folder, 0o711); // a server under another account has a folder in it
  try {
    const given = lib === null ? [] : argsFor(lib, folder);
    return await runProcess(name, executable, [...args, ...given, inRoot('test/peers/main.ts'), folder, ...peers]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runProcess(name: string, executable: string, args: readonly string[]): Promise<PeersReport> {
  const { ASYNCIO_DEBUG: _debug, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(executable, args, {
    cwd: root,
    env: { ...env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  // With all that it has started.
  const signal = (name: NodeJS.Signals): boolean => process.kill(-child.pid!, name);
  let isInterrupted = false;
  const interrupted = (): void => {
    if (isInterrupted) signal('SIGKILL');
    else setTimeout(giveUp, TIME_TO_STOP).unref();
    isInterrupted = true;
    signal('SIGINT');
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  let report: PeersReport = { passed: 0, failed: 1, skipped: [] };
  let wasKilled = false;
  const giveUp = (): void => {
    wasKilled = signal('SIGKILL');
  };
  let timer = setTimeout(giveUp, TIME_TO_REPORT);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith(REPORT_MARK)) {
      console.log(line);
      return;
    }
    report = JSON.parse(line.slice(REPORT_MARK.length)) as PeersReport;
    clearTimeout(timer);
    timer = setTimeout(giveUp, TIME_TO_END);
  });
  const [code, how] = await new Promise<[number | null, string | null]>((resolve, reject) =>
    child.on('error', reject).on('close', (...end) => resolve(end)),
  );
  clearTimeout(timer);
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  if (isInterrupted) throw new Interrupted();
  // What keeps a process alive after the last check is a connection, a server or a task that was left.
  if (wasKilled || code !== 0) {
    console.log(`FAILED  ${name}: the process ${wasKilled ? 'did not end by itself' : `ended with ${how ?? code}`}`);
    report.failed++;
  }
  return report;
}
