import { timeout } from 'asyncio-ts';

if ((await timeout(5, async () => 7)) !== 7) throw new Error('a body in time gives its result');

let name = 'nothing';
try {
  await timeout(0.01, () => new Promise(() => {}));
} catch (error) {
  name = (error as Error).name;
}
if (name !== 'TimeoutError') throw new Error(`a late body is a TimeoutError, not ${name}`);
