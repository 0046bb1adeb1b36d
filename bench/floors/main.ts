// What the JavaScript engine takes for the least that has to be done: `npm run bench:floors`. Each subject stands beside the one of
// `bench/subjects/` whose goal it is about.
import { main } from '../lib/main.ts';
import { cancelFloor } from './cancel.ts';
import { gatherFloor, spawnFloor } from './tasks.ts';
import { lockFloor, memoryFloor, queueFloor, switchFloor } from './waits.ts';

await main([switchFloor, lockFloor, queueFloor, spawnFloor, gatherFloor, cancelFloor, memoryFloor]);
