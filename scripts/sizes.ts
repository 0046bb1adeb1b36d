// What an import costs in a browser: bundles parts of the built package, and compares with the ceilings in sizes.json.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { inRoot, needBuild, root } from './lib/project.ts';
import limits from './sizes.json' with { type: 'json' };

/** `*`, or names. */
type Imports = string | readonly string[];

needBuild();
const entry = inRoot('dist/index.js');
const exported = Object.keys((await import(pathToFileURL(entry).href)) as object).sort();
const failures: string[] = [];

row('import', 'minified', 'gzip', 'ceiling', 'more than base');
for (const { name, imports, ceiling } of limits.ceilings) {
  const absent = missing(imports);
  if (absent.length > 0) {
    failures.push(`${name}: not exported: ${absent.join(', ')}`);
    row(name, '-', '-', kB(ceiling));
    continue;
  }
  const size = await measure(imports);
  if (size.gzip > ceiling) failures.push(`${name}: ${size.gzip} bytes are more than ${ceiling}`);
  row(name, kB(size.minified), kB(size.gzip), kB(ceiling));
}
console.log(`\neach export alone, and what it adds to ${limits.base.join(' + ')}`);
const base = (await measure(limits.base.filter((name) => exported.includes(name)))).gzip;
for (const name of exported) {
  const alone = await measure([name]);
  const together = await measure([...new Set([...limits.base, name])].filter((one) => exported.includes(one)));
  row(`  ${name}`, kB(alone.minified), kB(alone.gzip), '', `+${kB(together.gzip - base)}`);
}
console.log(`\nimport time of the core, median of 15 processes: ${importTime().toFixed(1)} ms`);
console.log(`(goal ${limits.importTimeGoal} ms; it depends on the machine, so nothing fails)`);
for (const failure of failures) console.error(`sizes: ${failure}`);
if (failures.length > 0) process.exitCode = 1;

function missing(imports: Imports): string[] {
  return typeof imports === 'string' ? [] : imports.filter((name) => !exported.includes(name));
}

async function measure(imports: Imports): Promise<{ minified: number; gzip: number }> {
  const names = typeof imports === 'string' ? imports : `{ ${imports.join(', ')} }`;
  const result = await build({
    stdin: { contents: `export ${names} from ${JSON.stringify(entry)};`, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    write: false,
    logLevel: 'warning',
  });
  const code = result.outputFiles[0]!.contents;
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
}

/** Milliseconds. A process each, since a module is loaded only once. */
function importTime(): number {
  const times: number[] = [];
  for (let i = 0; i < 15; i++) {
    const child = spawnSync(
      process.execPath,
      [inRoot('scripts/lib/import-time.mjs'), import.meta.resolve('asyncio-ts')],
      {
        encoding: 'utf8',
      },
    );
    if (child.status !== 0) throw new Error(`importing the core failed: ${child.stderr}`);
    times.push(Number(child.stdout));
  }
  return times.sort((a, b) => a - b)[7]!;
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(2)} kB`;
}

function row(name: string, ...columns: string[]): void {
  console.log(`${name.padEnd(24)}${columns.map((text) => text.padStart(15)).join('')}`.trimEnd());
}
