// Uses a Redis server that is running.
//
//     node examples/redis/main.ts --host 127.0.0.1 --port 6379

import { parseArgs } from 'node:util';
import { gather, run, taskGroup } from 'asyncio-ts';
import { Redis, RedisError } from './redis.ts';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '6379' } },
});

await run(async () => {
  await using redis = await Redis.connect({ host: values.host, port: Number(values.port) });

  console.log(
    'pipelined:',
    await redis.pipeline([
      ['DEL', 'visits'],
      ['INCR', 'visits'],
      ['INCR', 'visits'],
    ]),
  );
  console.log('by ten tasks:', await gather(Array.from({ length: 10 }, () => redis.send('INCR', 'visits'))));
  await redis.pipeline([
    ['DEL', 'town'],
    ['HSET', 'town', 'name', 'Ulm', 'height', 478],
  ]);
  console.log('a hash:', await redis.send('HGETALL', 'town'));
  try {
    await redis.send('INCR', 'town');
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    console.log('refused:', error.message);
  }

  await using news = await redis.subscribe('news');
  await taskGroup(async (group) => {
    group.createTask(async () => {
      for await (const { channel, text } of news) {
        console.log(`${channel}: ${text}`);
        if (text === 'good night') break;
      }
    });
    for (const text of ['good morning', 'good night']) await redis.send('PUBLISH', 'news', text);
  });
});
