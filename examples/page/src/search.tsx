import { sleep } from 'asyncio-ts';
import { useTask } from 'asyncio-ts/react';
import { useState } from 'react';
import { getJson } from './get-json.ts';

export function Search() {
  const [text, setText] = useState('');
  const search = useTask(async function search(query: string) {
    await sleep(0.2); // the next letter cancels this one while it waits here
    const cities = await getJson<string[]>(`/api/search?q=${encodeURIComponent(query)}`);
    return { query, cities };
  });

  function change(next: string): void {
    setText(next);
    if (next.trim() === '') search.reset();
    else search.run(next.trim());
  }

  return (
    <section>
      <h2>Search</h2>
      <p className="hint">
        A single letter takes the server longest. The request of an older text is aborted, so its answer never comes.
      </p>
      <input
        type="search"
        aria-label="City"
        placeholder="A city, such as Berlin"
        value={text}
        onChange={(event) => change(event.target.value)}
      />
      {search.status === 'failed' && (
        <p role="alert">
          {String(search.error)}{' '}
          <button type="button" onClick={() => change(text)}>
            Try again
          </button>
        </p>
      )}
      {/* Outside of what is busy, so that screen readers tell the number at once. */}
      <p role="status" className="count">
        {search.value !== undefined
          ? `${search.value.cities.length} with “${search.value.query}”`
          : search.isRunning
            ? 'Searching…'
            : 'Nothing yet.'}
      </p>
      <ul aria-busy={search.isRunning} className="answers">
        {search.value?.cities.map((city) => (
          <li key={city}>{city}</li>
        ))}
      </ul>
    </section>
  );
}
