import { finalize, from, lastValueFrom, map, mergeMap, type Observable, of, timeout, timer, toArray } from 'rxjs';

const ask = (site: string, seconds: number): Observable<string> =>
  timer(seconds * 1_000).pipe(
    map(() => `${site} answers`),
    finalize(() => console.log(`${site}: closed`)),
  );

const check = (site: string, seconds: number): Observable<string> =>
  ask(site, seconds).pipe(timeout({ first: 1_000, with: () => of(`${site} is too slow`) }));

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
const answers = await lastValueFrom(
  from(sites).pipe(
    mergeMap(([site, seconds], index) => check(site, seconds).pipe(map((answer) => ({ index, answer }))), 2),
    toArray(), // in the order of completion
  ),
);
console.log(
  answers
    .toSorted((one, other) => one.index - other.index)
    .map(({ answer }) => answer)
    .join(', '),
);
