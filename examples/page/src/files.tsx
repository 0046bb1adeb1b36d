import { mapConcurrent } from 'asyncio-ts';
import { useTask } from 'asyncio-ts/react';
import { useState } from 'react';
import { upload } from './upload.ts';

export function Files() {
  const [shares, setShares] = useState<Readonly<Record<string, number>>>({});
  const sending = useTask(
    async function send(files: readonly File[]) {
      setShares(Object.fromEntries(files.map(({ name }) => [name, 0])));
      const one = (file: File) =>
        upload(`/api/files/${encodeURIComponent(file.name)}`, file, (share) =>
          setShares((before) => ({ ...before, [file.name]: share })),
        );
      await mapConcurrent(files, one, { limit: 3 });
      return files.length;
    },
    { policy: 'drop' },
  );

  return (
    <section>
      <h2>Files</h2>
      <p className="hint">Three at a time. When one fails, the others are stopped; so are all when you leave.</p>
      <label className="button">
        Choose files
        <input
          type="file"
          multiple
          disabled={sending.isRunning}
          onChange={({ target }) => {
            if (target.files !== null && target.files.length > 0) sending.run([...target.files]);
          }}
        />
      </label>
      <button type="button" disabled={!sending.isRunning} onClick={() => sending.cancel()}>
        Stop
      </button>
      <p role="status">
        {
          {
            idle: 'No files yet.',
            running: 'Sending…',
            done: `Sent ${sending.value} files.`,
            failed: String(sending.error ?? ''),
            cancelled: 'Stopped.',
          }[sending.status]
        }
      </p>
      <ul className="bars">
        {Object.entries(shares).map(([name, share]) => (
          <li key={name}>
            <span>{name}</span>
            <progress value={share} aria-label={name} />
          </li>
        ))}
      </ul>
    </section>
  );
}
