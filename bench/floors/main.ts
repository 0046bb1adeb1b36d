// The least that has to be done for some of the workloads in `bench/subjects/`, measured beside them: `npm run bench:floors`.
import { main } from '../lib/main.ts';
import { cancelFloor } from './cancel.ts';
import { gatherFloor, spawnFloor } from './tasks.ts';
import { lockFloor, memoryFloor, queueFloor, switchFloor } from './waits.ts';

await main([switchFloor, lockFloor, queueFloor, spawnFloor, gatherFloor, cancelFloor, memoryFloor]);
