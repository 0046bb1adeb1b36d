// Runs Astro without its telemetry: `build`, `dev` or `preview`.
import { build, dev, preview } from 'astro';
import { SITE } from './lib/repository.ts';

process.env['ASTRO_TELEMETRY_DISABLED'] = '1';
const commands = { build, dev, preview };
const [name = 'build'] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  console.error(`there is no ${name}: use ${Object.keys(commands).join(', ')}`);
  process.exit(2);
}
await commands[name as keyof typeof commands]({ root: SITE });
