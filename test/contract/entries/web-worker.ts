// The suite in a web worker.
import { browser } from '../lib/environment.ts';
import { runSuite } from '../suite.ts';

declare const postMessage: (message: unknown) => void;

postMessage(await runSuite({ ...browser, thread: 'worker' }));
