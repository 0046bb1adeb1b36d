import { spawnSync } from 'node:child_process';

/** For `node --import`: makes `asyncio-ts` mean the sources. */
export const fromSource = new URL('./from-source.ts', import.meta.url).href;

/** Runs a program, an ES module given as text, in a Node process of its own. */
export function runInProcess(program: string): { stdout: string; stderr: string; status: number | null } {
  const args = ['--import', fromSource, '--input-type=module', '--eval', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { stdout: stdout.trim(), stderr, status };
}
