import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../../errors/index.ts';

/** Beside this file, as source or compiled; from a bundle of the package, in the folder of the modules. */
const PLACES = ['./', '../node/executors/', '../../node/executors/'];

/** The path of a module of this folder that a worker should load. */
export function workerFile(name: string): string {
  for (const place of PLACES) {
    for (const extension of ['.ts', '.js']) {
      const file = new URL(`${place}${name}${extension}`, import.meta.url);
      if (existsSync(file)) return fileURLToPath(file);
    }
  }
  throw new RuntimeError(
    `the file ${name}.js of asyncio-ts is not beside ${import.meta.url}: leave the package out of your bundle, because workers load this file separately`,
    { code: 'NO_WORKER_FILE' },
  );
}
