/** What `asyncio-ts/node` promises: for the runtimes that have Node's modules. */

import './streams.ts';
import './servers.ts';
import './transports.ts';
import './dns.ts';
import './datagrams.ts';
import './files.ts';
import './executors.ts';
import './threads.ts';
import './pipes.ts';
import './subprocesses.ts';
