import { LifoQueue } from 'asyncio-ts';
import { queueLaws } from '../../support/laws/queue-laws.ts';

queueLaws({
  name: 'LifoQueue',
  make: (maxsize) => new LifoQueue(maxsize),
  order: (items) => [...items].reverse(),
});
