import { asyncTest } from 'asyncio-ts/bun-test';
import { declareSamples } from '../samples.ts';

declareSamples(asyncTest);
