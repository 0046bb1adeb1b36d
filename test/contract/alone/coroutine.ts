import { coroutine } from 'asyncio-ts';

const twice = coroutine(function* (value: number): Generator<unknown, number, unknown> {
  yield* [];
  return 2 * value;
});
if ((await twice(4)) !== 8) throw new Error('a coroutine runs when it is awaited');
