import { once } from 'asyncio-ts';

const target = new EventTarget();
setTimeout(() => target.dispatchEvent(new Event('ready')));
await once(target, 'ready');
