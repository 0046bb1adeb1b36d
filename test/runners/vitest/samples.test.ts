import { asyncTest } from 'asyncio-ts/vitest';
import { declareSamples, declareSystemSamples } from '../samples.ts';

declareSamples(asyncTest);
declareSystemSamples(asyncTest);
