import { globals } from './platform.ts';

/** What servers answer with where the platform has the Fetch API. */

interface Fetching {
  readonly Response?: new (body: unknown, init: object) => object;
  readonly ReadableStream?: new (source: object, strategy: object) => object;
}

/** A `Response` of the runtime. */
export function newWebResponse(body: unknown, init: object): object {
  const { Response } = globals<Fetching>();
  if (Response === undefined) throw new Error('this runtime has no Response');
  return new Response(body, init);
}

/** A `ReadableStream` of the runtime. */
export function newWebStream(source: object, strategy: object): object {
  const { ReadableStream } = globals<Fetching>();
  if (ReadableStream === undefined) throw new Error('this runtime has no ReadableStream');
  return new ReadableStream(source, strategy);
}
