// The suite in a page.
import { browser } from '../lib/environment.ts';
import { runSuite } from '../suite.ts';

Object.assign(globalThis, { contract: runSuite({ ...browser, thread: 'main' }) });
