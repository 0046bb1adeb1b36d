// Runs the library's streams against programs of others: Python's asyncio, curl, openssl, redis-server, PostgreSQL.
//
//     npm run peers                              # all of them, with Node, on the built package
//     npm run peers -- python curl               # some of them
//     npm run peers -- --runtime bun             # or deno, or node
//     npm run peers -- --lib src                 # on another folder than dist
//
// Exit status: 0 all passed, 1 something failed, 2 wrong arguments, 3 nothing could be run.
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { inRoot, needBuild, skipped } from '../../scripts/lib/project.ts';
import { PEERS } from './lib/names.ts';
import type { PeersReport } from './lib/report.ts';
import { Interrupted, RUNTIMES, runIn } from './lib/runtimes.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { lib: { type: 'string' }, runtime: { type: 'string', multiple: true, default: ['node'] } },
});

function wrong(message: string): never {
  console.error(`peers: ${message}`);
  process.exit(2);
}

for (const name of positionals) if (!PEERS.includes(name)) wrong(`no peer ${name}; there are ${PEERS.join(', ')}`);
for (const name of values.runtime)
  if (!(name in RUNTIMES)) wrong(`no runtime ${name}; there are ${Object.keys(RUNTIMES).join(', ')}`);
const lib = values.lib === undefined ? null : path.resolve(values.lib);
if (lib === null) {
  needBuild();
  if (!existsSync(inRoot('dist/node/index.js'))) wrong('dist/node/index.js is missing: run `npm run build` first');
} else if (!existsSync(path.join(lib, 'index.js')) && !existsSync(path.join(lib, 'index.ts'))) {
  wrong(`--lib ${values.lib}: there is no index.js or index.ts`);
}

const total: PeersReport = { passed: 0, failed: 0, skipped: [] };
for (const name of values.runtime) {
  const report = await runIn(name, lib, positionals.length === 0 ? PEERS : positionals).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    process.exit(130);
  });
  total.passed += report.passed;
  total.failed += report.failed;
  for (const why of report.skipped) {
    skipped(`peers: ${why}`);
    total.skipped.push(why);
  }
}
console.log(`peers: ${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
if (total.failed > 0) process.exitCode = 1;
else if (total.passed === 0) process.exitCode = 3;
