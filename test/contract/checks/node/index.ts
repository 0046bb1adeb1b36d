/** What `asyncio-ts/node` promises: for the runtimes that have Node's modules. */

import './streams.ts';
