import { useEffect, useState } from 'react';
import { Files } from './files.tsx';
import { Job } from './job.tsx';
import { Primes } from './primes.tsx';
import { Search } from './search.tsx';

const ROUTES = { search: Search, files: Files, job: Job, primes: Primes };
type Route = keyof typeof ROUTES;

/** The route that the address asks for. */
function routeOf(hash: string): Route {
  const name = hash.slice(1);
  return Object.hasOwn(ROUTES, name) ? (name as Route) : 'search';
}

/** Leaving a route unmounts it, which cancels what it has started. */
export function App() {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const change = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  const Shown = ROUTES[route];
  return (
    <>
      <header>
        <h1>Tasks in a page</h1>
        <nav>
          {Object.keys(ROUTES).map((name) => (
            <a key={name} href={`#${name}`} aria-current={name === route ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </header>
      <main>
        <Shown key={route} />
      </main>
    </>
  );
}
