// Arguments and results go to a process as structuredClone copies them; what it refuses is refused with an error, as a
// thread pool does. Nothing arrives as an empty object without a word.
import { check, core, done, hangs, node } from '../lib.mjs';

await core.run(async () => {
  await using pool = new node.ProcessPoolExecutor({ maxWorkers: 1 });
  const outcome = (job) =>
    hangs(
      job().then(
        (value) => JSON.stringify(value) ?? String(value),
        (error) => error.code ?? error.name,
      ),
      5,
    );
  check(
    'a URL as an argument',
    await outcome(() => pool.submit((url) => String(url), new URL('http://example.org/'))),
    'ARGUMENT_NOT_CLONEABLE',
  );
  check(
    'Headers as an argument',
    await outcome(() => pool.submit((headers) => typeof headers.get, new Headers({ a: 'b' }))),
    'ARGUMENT_NOT_CLONEABLE',
  );
  check(
    'a URL as a result',
    await outcome(() => pool.submit(() => new URL('http://example.org/'))),
    'RESULT_NOT_CLONEABLE',
  );
  check('a stream as a result', await outcome(() => pool.submit(() => new ReadableStream())), 'RESULT_NOT_CLONEABLE');
  const size = await outcome(() => pool.submit((blob) => String(blob.size), new Blob(['abc'])));
  check('a Blob arrives, or is refused', ['"3"', 'ARGUMENT_NOT_CLONEABLE'].includes(size) ? 'right' : size, 'right');
  check('a plain object as an argument', await outcome(() => pool.submit((object) => object.a, { a: 1 })), '1'); // control: holds today
});
done();
