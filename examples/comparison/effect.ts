import { Effect } from 'effect';

const ask = (site: string, seconds: number) =>
  Effect.sleep(seconds * 1_000).pipe(
    Effect.as(`${site} answers`),
    Effect.ensuring(Effect.sync(() => console.log(`${site}: closed`))),
  );

const check = ([site, seconds]: readonly [string, number]) =>
  ask(site, seconds).pipe(
    Effect.timeoutOrElse({ duration: 1_000, orElse: () => Effect.succeed(`${site} is too slow`) }),
  );

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
const program = Effect.gen(function* () {
  const answers = yield* Effect.forEach(sites, check, { concurrency: 2 });
  console.log(answers.join(', '));
});
await Effect.runPromise(program);
