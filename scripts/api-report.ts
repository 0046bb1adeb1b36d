// Writes the public types of the built package to api/asyncio-ts.api.md; with --check, fails when that file differs.
// A change of the public API is then a change of a file that a reviewer reads.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Declarations, type Surface } from './lib/declarations.ts';
import { inRoot, needBuild } from './lib/project.ts';
import { REPORT } from './lib/report.ts';

needBuild();
const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as {
  name: string;
  exports: Record<string, string | { types?: string }>;
};
const leaks: string[] = [];
const parts = [
  `# Public types of ${manifest.name}\n`,
  'Written by `npm run build && npm run api`. Not to be edited: a change of this file is a change of the public API.\n',
];
for (const [subpath, target] of Object.entries(manifest.exports).sort()) {
  if (typeof target === 'string' || target.types === undefined) continue;
  const declarations = new Declarations((file) => readFileSync(inRoot(file), 'utf8'));
  parts.push(
    section(path.posix.join(manifest.name, subpath), declarations.surface(path.posix.normalize(target.types))),
  );
}
const report = parts.join('\n');

for (const leak of leaks) console.error(`not marked @internal: ${leak}`);
if (leaks.length > 0) {
  process.exitCode = 1;
} else if (process.argv.includes('--check')) {
  check();
} else {
  mkdirSync(inRoot('api'), { recursive: true });
  writeFileSync(inRoot(REPORT), report);
  console.log(`wrote ${REPORT}`);
}

function section(entry: string, { exported, mentioned, globals, internal }: Surface): string {
  // Members of the kernel that only the kernel may touch are called _x and must not reach the published types.
  leaks.push(...internal);
  const lines = [`## \`${entry}\`\n`, `${exported.size} exported names.\n`, '```ts', ...texts(exported), '```\n'];
  if (mentioned.size > 0) lines.push('### Mentioned, not exported\n', '```ts', ...texts(mentioned), '```\n');
  if (globals.length > 0) lines.push('### Global declarations\n', '```ts', ...globals, '```\n');
  return lines.join('\n');
}

function texts(declarations: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const text of declarations.values()) found.push(`${found.length > 0 ? '\n' : ''}${text}`);
  return found;
}

function check(): void {
  const committed = existsSync(inRoot(REPORT)) ? readFileSync(inRoot(REPORT), 'utf8') : '';
  if (committed === report) {
    console.log(`${REPORT} is what the built package has`);
    return;
  }
  const was = committed.split('\n');
  const is = report.split('\n');
  const at = is.findIndex((line, i) => line !== was[i]);
  const line = at < 0 ? is.length : at;
  console.error(`${REPORT} differs from the built package, first in line ${line + 1}:`);
  console.error(`  committed: ${was[line] ?? '(end)'}\n  built:     ${is[line] ?? '(end)'}`);
  console.error('If the change is wanted: `npm run build && npm run api`, and commit the report.');
  process.exitCode = 1;
}
