import { useTask } from 'asyncio-ts/react';
import { useEffect, useState } from 'react';
import { getJson } from './get-json.ts';
import { poll } from './poll.ts';

interface Answer {
  readonly share: number;
  readonly isLast: boolean;
}

export function Job() {
  const [share, setShare] = useState(0);
  const [note, setNote] = useState('');
  const watching = useTask(async function watch(job: string) {
    const last = await poll(
      () => getJson<Answer>(`/api/jobs/${job}`),
      (answer, pause) => {
        if (answer !== null) setShare(answer.share);
        setNote(`${answer === null ? 'No answer' : 'Asked'}; again in ${pause} s`);
      },
    );
    setShare(last.share);
  });

  const { run } = watching;
  useEffect(() => {
    run('42');
  }, [run]);

  return (
    <section>
      <h2>Job</h2>
      <p className="hint">
        Asks how a job on the server gets on, less often while nothing changes. Stops when you leave.
      </p>
      <progress value={share} aria-label="Job" />
      <p role="status">{watching.status === 'done' ? 'The job is done.' : note}</p>
    </section>
  );
}
