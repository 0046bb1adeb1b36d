// Builds the page, and serves it until Ctrl-C.
//
//     node examples/page/main.ts --port 8080

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { createPageServer } from './server.ts';
import config from './vite.config.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
await build({ ...config, configFile: false });
const { server } = createPageServer(fileURLToPath(new URL('dist', import.meta.url)));
server.listen(Number(values.port), '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${values.port}/`);
