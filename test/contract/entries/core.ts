// The checks of the core in the main thread of Node, for a bundle: those of `asyncio-ts/node` start programs that lie beside them.
import { REPORT_MARK } from '../lib/report.ts';
import { system } from '../lib/system.ts';
import { runSuite } from '../suite.ts';

const report = await runSuite({ ...system, thread: 'main', signals: process.platform !== 'win32' });
console.log(`${REPORT_MARK}${JSON.stringify(report)}`);
