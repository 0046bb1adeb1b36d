import { VirtualHost } from 'asyncio-ts/testing';

const host = new VirtualHost();
if (host.time() !== 0) throw new Error('simulated time begins at 0');
