// Runs the recipes of docs/recipes against the real thing: PostgreSQL, MariaDB, Redis, and the packages that they are about.
//
//     npm run recipes                  # all of them, on the built package
//     npm run recipes -- pg grpc       # some of them
//
// Exit status: 0 all passed, 1 something failed, 2 wrong arguments, 3 nothing could be run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { run } from 'asyncio-ts';
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { Checks } from '../peers/lib/checks.ts';
import { RECIPES } from './lib/names.ts';
import { Servers } from './lib/servers.ts';

/** For the process to end by itself, in milliseconds: what keeps it alive is a connection, a server or a timer that was left. */
const TIME_TO_END = 10_000;

interface Recipe {
  default(checks: Checks, servers: Servers): Promise<void>;
}

needBuild();
const asked = process.argv.slice(2);
for (const name of asked) {
  if (RECIPES.includes(name)) continue;
  console.error(`recipes: no recipe ${name}; there are ${RECIPES.join(', ')}`);
  process.exit(2);
}

const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-recipes-'));
const checks = new Checks(folder);
try {
  await run(async () => {
    await using servers = new Servers(folder);
    const names = asked.length === 0 ? RECIPES : asked;
    servers.prepare(names);
    for (const name of names) {
      const recipe = (await import(`./checks/${name}.ts`)) as Recipe;
      await checks.of(name, async () => await recipe.default(checks, servers));
    }
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { passed, failed } = checks.report;
for (const why of checks.report.skipped) skipped(`recipes: ${why}`);
console.log(`recipes: ${passed} passed, ${failed} failed, ${checks.report.skipped.length} skipped`);
if (failed > 0) process.exitCode = 1;
else if (passed === 0) process.exitCode = 3;
setTimeout(() => {
  console.log('FAILED  the process did not end by itself');
  process.exit(1);
}, TIME_TO_END).unref();
