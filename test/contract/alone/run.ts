import { run } from 'asyncio-ts';

if ((await run(async () => 9)) !== 9) throw new Error('run() gives the result of the program');
