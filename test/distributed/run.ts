// Checks the promises of executors on other machines over real stores, which it starts and stops itself, with workers that are processes
// of the built package.
//
//     npm run distributed                          # all engines: the contract, and a storm of 300 jobs on each
//     npm run distributed -- redis --only cancel   # some checks of one
//     npm run distributed -- --only storm --storm 10000 --seed 2   # the whole storm, with other accidents
//
// Exit status: 0 all passed, 1 something failed, 2 wrong arguments, 3 nothing could be run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { inspect, parseArgs } from 'node:util';
import { gather, run, timeout } from 'asyncio-ts';
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { Missing } from '../peers/lib/checks.ts';
import { Servers } from '../recipes/lib/servers.ts';
import { promises } from './contract.ts';
import { KINDS } from './engines.ts';
import { locks } from './locks.ts';
import { programs } from './programs.ts';
import { RealStage } from './real-stage.ts';
import { startServer, type TestServer } from './servers.ts';
import { storm } from './storm.ts';

/** The longest time of one check, and of each hundred jobs of a storm, in seconds. */
const LIMIT = 90;
const LIMIT_OF_STORM = 10;
/** How many checks of an engine run at a time, beside those of the other engines: they mostly wait. */
const LANES = 2;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    storm: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
for (const name of positionals) {
  if (!KINDS.includes(name)) {
    console.error(`distributed: no engine ${name}; there are ${KINDS.join(', ')}`);
    process.exit(2);
  }
}
needBuild();

const total = { passed: 0, failed: 0, skipped: 0 };
const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-distributed-'));

async function check(kind: string, title: string, act: () => Promise<void>, limit = LIMIT): Promise<void> {
  const began = performance.now();
  try {
    await timeout(limit, act);
    total.passed++;
    console.log(`  ok    ${kind}: ${title} (${((performance.now() - began) / 1_000).toFixed(1)} s)`);
  } catch (error) {
    total.failed++;
    console.log(`  FAIL  ${kind}: ${title}\n${inspect(error, { depth: 6 })}`);
  }
}

async function checkEngine(kind: string, server: TestServer): Promise<void> {
  const stage = (isMixed = false): Promise<RealStage> => RealStage.open({ kind, server, folder, isMixed });
  const wanted = (title: string): boolean => values.only === undefined || title.includes(values.only);
  const { features } = (await stage()).engine;
  const checks: (() => Promise<void>)[] = [];
  for (const promised of promises) {
    if (!wanted(promised.title)) continue;
    if (promised.durable === true && !features.durable) continue;
    if (promised.progress === true && !features.progress) continue;
    const checked = async (): Promise<void> => {
      await using one = await stage();
      await promised.check(one);
    };
    checks.push(() => check(kind, promised.title, checked));
  }
  for (const program of features.durable ? [...locks, ...programs] : programs) {
    if (wanted(program.title)) {
      checks.push(() =>
        check(kind, program.title, async () => program.check({ kind, address: (await server.door()).address, folder })),
      );
    }
  }
  const lane = async (): Promise<void> => {
    for (let next = checks.shift(); next !== undefined; next = checks.shift()) await next();
  };
  await gather(...Array.from({ length: LANES }, lane));
  const jobs = Number(values.storm);
  const seed = Number(values.seed);
  const title = `a storm of ${jobs} jobs: workers and clients killed, the store restarted, cancellations at random`;
  if (jobs > 0 && wanted(title)) {
    const storming = async (): Promise<void> => {
      console.log(`        once more: npm run distributed -- ${kind} --only storm --storm ${jobs} --seed ${seed}`);
      await using one = await stage(true);
      console.log(`        ${kind}: ${await storm(one, { jobs, seed })}`);
    };
    await check(kind, title, storming, LIMIT + (jobs / 100) * LIMIT_OF_STORM);
  }
}

await run(async () => {
  await using servers = new Servers(folder);
  const checkKind = async (kind: string): Promise<void> => {
    try {
      await checkEngine(kind, await startServer(kind, servers));
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      skipped(`distributed: ${kind}: ${error.message}`);
      total.skipped++;
    }
  };
  // Side by side: each mostly waits for leases.
  await gather(...(positionals.length === 0 ? KINDS : positionals).map(checkKind));
});
rmSync(folder, { recursive: true, force: true });
console.log(`distributed: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
// What a check that has failed has left open does not keep this process.
process.exit(total.failed > 0 ? 1 : total.passed === 0 ? 3 : 0);
