/**
 * The subjects of a queue.
 *
 * | subject                  | who hears it           | carries                                                     |
 * |--------------------------|------------------------|-------------------------------------------------------------|
 * | `asyncio.Q.jobs`         | one worker of the group| a job; the reply subject names it                            |
 * | `asyncio.Q.all`          | each worker            | questions, cancellations, leases, demands of clients: `Notice` |
 * | `asyncio.Q.w.W`          | the worker W           | a job for a place that it has granted; unused grants: `Notice` |
 * | `I.j.J`                  | the client             | the answer to the job J, or the server's "nobody"            |
 * | `I.j.J.s`, `.b`, `.a`    | the client             | it was started; the worker is busy; it was abandoned          |
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

/** The text of a `token`. */
export function textOf(token: string): string {
  return token.startsWith('=') ? Buffer.from(token.slice(1), 'base64url').toString() : token;
}

/** The subject for the answer to a job. */
export function answerSubject(inbox: string, job: string): string {
  return `${inbox}.j.${token(job)}`;
}

/** The name of a job, and its client's inbox, by the subject for its answer; `null` when it is none. */
export function jobOf(answerSubject: string): { job: string; inbox: string } | null {
  const match = /^(.+)\.j\.([^.]+)$/.exec(answerSubject);
  return match === null ? null : { inbox: match[1]!, job: textOf(match[2]!) };
}
