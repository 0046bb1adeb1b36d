import type { Contender } from '../lib/subject.ts';

/** What a peer can do: its own way of a subject's work. */
export type Way = Omit<Contender, 'name'>;

/** One other library, with a way for each subject that it has the means for. */
export interface Peer {
  readonly name: string;
  readonly ways: Readonly<Record<string, Way>>;
}

/** The peers that can do a subject's work. They are loaded only when asked for. */
export async function peersOf(subject: string): Promise<Contender[]> {
  const { asyncMutex } = await import('./async-mutex.ts');
  const { effect } = await import('./effect.ts');
  const { effection } = await import('./effection.ts');
  const { fastq } = await import('./fastq.ts');
  const { pLimit } = await import('./p-limit.ts');
  const { pQueue } = await import('./p-queue.ts');
  return [effect, effection, pQueue, pLimit, asyncMutex, fastq].flatMap(({ name, ways }) => {
    const way = ways[subject];
    return way === undefined ? [] : [{ name, ...way }];
  });
}
