#!/usr/bin/env node
/** The command `asyncio`: this file is what the package's bin points to. */

import process from 'node:process';
import { cli } from './cli.ts';
import { SUCCESS } from './exit-codes.ts';

const code = await cli(process.argv.slice(2));
// After a failure the process ends at once, as Node ends it after an error that nobody caught. Otherwise it ends when nothing
// keeps it alive, with the exit code that the program may have set.
if (code !== SUCCESS) {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write('', () => done()))),
  );
  process.exit(code);
}
