// Runs the checks of some peers in this process: main.ts <folder for files> <peer>...
import process from 'node:process';
import { run } from 'asyncio-ts';
import { Checks } from './lib/checks.ts';
import { REPORT_MARK } from './lib/report.ts';

interface Peer {
  default(checks: Checks): Promise<void>;
}

const [folder, ...peers] = process.argv.slice(2);
const checks = new Checks(folder!);
await run(async () => {
  for (const name of peers) {
    const peer = (await import(`./checks/${name}.ts`)) as Peer;
    await checks.of(name, peer.default);
  }
});
console.log(`${REPORT_MARK}${JSON.stringify(checks.report)}`);
