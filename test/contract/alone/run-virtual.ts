import { runVirtual } from 'asyncio-ts/testing';

const result = await runVirtual(async () => 7);
if (result !== 7) throw new Error('a simulated program gives its result');
