// The suite in a page.
import { runSuite } from '../suite.ts';

Object.assign(globalThis, { contract: runSuite({ thread: 'main', asyncContext: false, signals: false }) });
