import fc from 'fast-check';

// Runs are repeatable: FC_SEED=random explores, FC_SEED=<number> repeats what a failure printed.
const seed = process.env['FC_SEED'] ?? '20260101';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });
