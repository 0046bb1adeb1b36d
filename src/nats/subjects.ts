/**
 * The subjects of a queue.
 *
 * | subject                  | who hears it           | carries                                                     |
 * |--------------------------|------------------------|-------------------------------------------------------------|
 * | `asyncio.Q.jobs`         | one worker of the group| a job; the reply subject names it                            |
 * | `asyncio.Q.all`          | each worker            | questions, cancellations, leases, demands of clients: `Notice` |
 * | `asyncio.Q.w.W`          | the worker W           | a job for a place that it has granted; unused grants: `Notice` |
 * | `I.j.J`                  | the client             | the answer to its job number J, or the server's "nobody"            |
 * | `I.j.J.s`, `.b`, `.a`    | the client             | it was started; the worker is busy or ends; it was abandoned  |
 * | `I.k.N`                  | the client             | the answer of a worker to the question N                      |
 * | `I.g`                    | the client             | a grant: the worker has places for its jobs                   |
 *
 * `I` is the client's inbox. The text of a job is the whole message, so that as much fits as the server allows.
 */
export interface QueueSubjects {
  readonly jobs: string;
  readonly all: string;
  worker(id: string): string;
}

export function subjectsOf(queue: string): QueueSubjects {
  const prefix = `asyncio.${token(queue)}`;
  return { jobs: `${prefix}.jobs`, all: `${prefix}.all`, worker: (id) => `${prefix}.w.${id}` };
}

/** A part of a subject for any text: dots, blanks and asterisks have a meaning there. */
export function token(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `=${Buffer.from(text).toString('base64url')}`;
}

/** The subject for the answer to a job: its name wherever it goes. `number` is the client's own, so that it is short. */
export function answerSubject(inbox: string, number: number): string {
  return `${inbox}.j.${number}`;
}

/** The number of a job, and its client's inbox, by the subject for its answer; `null` when it is none. */
export function jobOf(answerSubject: string): { number: number; inbox: string } | null {
  const dot = answerSubject.lastIndexOf('.');
  const number = Number(answerSubject.slice(dot + 1));
  if (!(number > 0) || !answerSubject.startsWith('.j', dot - 2)) return null;
  return { number, inbox: answerSubject.slice(0, dot - 2) };
}
