// `asyncio run main.mjs`, where a module that main.mjs imports has a syntax error, names that module and the line, as
// the runtime itself does.
import { fileURLToPath } from 'node:url';
import { check, child, dist, done, temporary } from '../lib.mjs';

temporary('dependency.mjs', 'export const fine = 1;\n\nexport function f( { return 1 }\n');
const main = temporary('main.mjs', "import { f } from './dependency.mjs';\nexport async function main() { f(); }\n");
const cli = fileURLToPath(`${dist}cli/main.js`);
const places = ({ stderr, code }) => [/dependency\.mjs/.test(stderr), /dependency\.mjs:3/.test(stderr), code !== 0];
check('asyncio run', places(await child([cli, 'run', main])), [true, true, true]);
check('asyncio run --debug', places(await child([cli, 'run', '--debug', main])), [true, true, true]);
check('the runtime itself', places(await child([main])), [true, true, true]); // control: holds today
done();
