import 'asyncio-ts';
import 'asyncio-ts/node';
import 'asyncio-ts/testing';

if (Object.getOwnPropertySymbols(globalThis).includes(Symbol.for('asyncio-ts')))
  throw new Error('importing does nothing');
