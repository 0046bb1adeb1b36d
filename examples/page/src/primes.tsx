import { mapConcurrent } from 'asyncio-ts';
import { useTask } from 'asyncio-ts/react';
import { useState } from 'react';
import { WorkerPool } from './worker-pool.ts';

const pool = new WorkerPool<readonly [from: number, to: number], number>(
  () => new Worker(new URL('./prime-worker.ts', import.meta.url), { type: 'module' }),
);

const PARTS = 40;

export function Primes() {
  const [most, setMost] = useState(2_000_000);
  const [done, setDone] = useState(0);
  const counting = useTask(async function count(upTo: number) {
    setDone(0);
    const size = Math.ceil(upTo / PARTS);
    const parts = Array.from({ length: PARTS }, (_, i) => [i * size + 1, Math.min((i + 1) * size, upTo)] as const);
    let primes = 0;
    // The pool has the limit: here as many as there are may wait for it.
    for await (const count of mapConcurrent(parts, (part) => pool.ask(part), { limit: PARTS, ordered: false })) {
      primes += count;
      setDone((before) => before + 1);
    }
    return { upTo, primes };
  });

  return (
    <section>
      <h2>Primes</h2>
      <p className="hint">Counts in workers, so the page stays quick. Leaving, and counting again, ends the workers.</p>
      <label>
        Up to <input type="number" min={100} value={most} onChange={({ target }) => setMost(Number(target.value))} />
      </label>
      <button type="button" onClick={() => counting.run(most)}>
        Count
      </button>
      <button type="button" disabled={!counting.isRunning} onClick={() => counting.cancel()}>
        Stop
      </button>
      <progress value={done / PARTS} aria-label="Primes" />
      <p role="status">
        {counting.isRunning && 'Counting…'}
        {counting.status === 'cancelled' && 'Stopped.'}
        {counting.status === 'failed' && String(counting.error)}
        {counting.status === 'done' &&
          `${counting.value.primes.toLocaleString('en')} primes up to ${counting.value.upTo.toLocaleString('en')}.`}
      </p>
    </section>
  );
}
