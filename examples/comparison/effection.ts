import { all, main, type Operation, race, sleep } from 'effection';

function* ask(site: string, seconds: number): Operation<string> {
  try {
    yield* sleep(seconds * 1_000);
    return `${site} answers`;
  } finally {
    console.log(`${site}: closed`);
  }
}

function* tooSlow(site: string): Operation<string> {
  yield* sleep(1_000);
  return `${site} is too slow`;
}

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
await main(function* () {
  const answers: string[] = [];
  const rest = sites.entries();
  // Two workers that take one site after the other are the limit.
  function* worker(): Operation<void> {
    for (const [index, [site, seconds]] of rest) answers[index] = yield* race([ask(site, seconds), tooSlow(site)]);
  }
  yield* all([worker(), worker()]);
  console.log(answers.join(', '));
});
