// The suite in the main thread of Node, Bun or Deno. Nothing ends the process by force: that it ends is part of the contract.
import { REPORT_MARK } from '../lib/report.ts';
import { system } from '../lib/system.ts';
import { runSuite } from '../suite.ts';
import '../checks/node/index.ts';

const report = await runSuite({ ...system, thread: 'main', signals: process.platform !== 'win32' });
console.log(`${REPORT_MARK}${JSON.stringify(report)}`);
