import { asyncTest } from 'asyncio-ts/node-test';
import { declareSamples, declareSystemSamples } from '../samples.ts';

declareSamples(asyncTest);
declareSystemSamples(asyncTest);
