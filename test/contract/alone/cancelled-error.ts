import { CancelledError } from 'asyncio-ts';

if (new CancelledError('why').message !== 'why') throw new Error('an error has its message');
