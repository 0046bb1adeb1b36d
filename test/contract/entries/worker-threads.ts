// The suite in a worker thread of Node: this file is both the program and the thread.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { REPORT_MARK } from '../lib/report.ts';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (report) => console.log(`${REPORT_MARK}${JSON.stringify(report)}`));
} else {
  const { system } = await import('../lib/system.ts');
  const { runSuite } = await import('../suite.ts');
  await import('../checks/node/index.ts');
  parentPort?.postMessage(await runSuite({ ...system, thread: 'worker', signals: false }));
}
