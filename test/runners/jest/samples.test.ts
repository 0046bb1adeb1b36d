import { asyncTest } from 'asyncio-ts/jest';
import { declareSamples, declareSystemSamples } from '../samples.ts';

declareSamples(asyncTest);
declareSystemSamples(asyncTest);
