// The suite in a web worker.
import { runSuite } from '../suite.ts';

declare const postMessage: (message: unknown) => void;

postMessage(await runSuite({ thread: 'worker', asyncContext: false, signals: false }));
