import { gather, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { batched } from './batched.ts';

const userById = batched(async function users(ids: readonly number[]) {
  console.log(ids); // [ 1, 2, 3 ]
  await sleep(0.1); // SELECT … WHERE id = ANY(ids)
  return ids.map((id) => (id === 3 ? new RangeError(`there is no user ${id}`) : `user ${id}`));
});

await run(async () => {
  const impatient = () => timeout(0.05, () => userById(2)); // concerns nobody else
  const results = await gather([() => userById(1), impatient, () => userById(2), () => userById(3)].map(outcome));
  console.log(results); // [ 'user 1', 'TimeoutError', 'user 2', 'RangeError' ]
});

function outcome(ask: () => PromiseLike<string>): () => Promise<string> {
  return async () => {
    try {
      return await ask();
    } catch (error) {
      return error instanceof TimeoutError ? 'TimeoutError' : (error as Error).name;
    }
  };
}
