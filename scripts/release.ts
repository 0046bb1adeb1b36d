// Makes a release, in two steps:
//   npm run release                on main: the version and the date of CHANGELOG.md's newest section, as a commit with a tag, to be pushed
//   npm run release -- --publish   in CI at that tag: publishes with a provenance, which only CI can make
// and `npm run release -- --dry-run` does neither: it checks that both would work, and says what a release would still need. The gate runs it.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot, needBuild, root } from './lib/project.ts';
import {
  dated,
  newestSection,
  obstacles,
  obstaclesOfManifest,
  obstaclesOfPublishing,
  type Situation,
  withVersion,
} from './lib/release.ts';

const read = (file: string): string => readFileSync(inRoot(file), 'utf8');
const changelog = read('CHANGELOG.md');
const manifest = JSON.parse(read('package.json')) as Situation['manifest'];
const section = newestSection(changelog);

const [mode = 'prepare', ...rest] = process.argv.slice(2);
if (rest.length > 0 || !['prepare', '--publish', '--dry-run'].includes(mode)) {
  console.error('usage: npm run release [-- --publish | -- --dry-run]');
  process.exitCode = 2;
} else if (mode === '--dry-run') {
  tryOut();
} else if (mode === '--publish') {
  publish();
} else {
  prepare();
}

/** Checks what does not depend on where and when it runs; the rest is told, and no failure. */
function tryOut(): void {
  needBuild();
  const { status, stdout, stderr } = npmPublish(['--dry-run', '--json', '--fetch-retries', '0']);
  const warnings = stderr.split('\n').filter((line) => /^npm (warn|error)/i.test(line) && !/logged in/.test(line));
  for (const line of warnings) console.error(line);
  if (status !== 0 || warnings.length > 0) {
    console.error('npm would not publish the package as it is');
    process.exitCode = 1;
    return;
  }
  const report = JSON.parse(stdout) as Record<string, { id: string; files: unknown[]; size: number }>;
  for (const { id, files, size } of Object.values(report)) {
    console.log(`npm publish --provenance would publish ${id}: ${files.length} files, ${Math.round(size / 1_000)} kB`);
  }
  console.log(`the section of ${section.version} has ${section.body.split('\n').length} lines`);
  for (const obstacle of new Set([...obstacles(situation()), ...obstaclesOfManifest(manifest)])) {
    console.log(`before a release: ${obstacle}`);
  }
}

function prepare(): void {
  if (refuse(obstacles(situation()))) return;
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(inRoot('CHANGELOG.md'), dated(changelog, date));
  for (const file of ['package.json', 'package-lock.json']) {
    writeFileSync(inRoot(file), withVersion(read(file), section.version));
  }
  const tag = `v${section.version}`;
  git(
    'commit',
    '--quiet',
    '--message',
    `Release ${section.version}`,
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
  );
  git('tag', '--annotate', tag, '--message', `${section.version}\n\n${section.body}`);
  console.log(`${tag} is committed and tagged. When the gate has passed: git push --follow-tags`);
  console.log('CI publishes it: npm ci && npm run build && npm run release -- --publish');
}

function publish(): void {
  needBuild();
  const tags = git('tag', '--points-at', 'HEAD').split('\n');
  if (refuse(obstaclesOfPublishing({ manifest, section, tags }, process.env))) return;
  const { status, stderr } = npmPublish([]);
  if (status !== 0) console.error(stderr);
  process.exitCode = status ?? 1;
}

function situation(): Situation {
  return {
    manifest,
    section,
    tags: git('tag', '--list').split('\n'),
    branch: git('rev-parse', '--abbrev-ref', 'HEAD'),
    changes: git('status', '--short'),
  };
}

function refuse(found: readonly string[]): boolean {
  for (const obstacle of found) console.error(obstacle);
  if (found.length > 0) process.exitCode = 1;
  return found.length > 0;
}

function npmPublish(options: readonly string[]) {
  const args = ['publish', '--provenance', '--access', 'public', '--ignore-scripts', ...options];
  return spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
}

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  return stdout.trim();
}
