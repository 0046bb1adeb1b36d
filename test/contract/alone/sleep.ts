import { sleep } from 'asyncio-ts';

if ((await sleep(0.01, 'slept')) !== 'slept') throw new Error('sleep() gives its result');
