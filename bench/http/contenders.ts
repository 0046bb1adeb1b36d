/** The servers of the HTTP benchmark. */

export const FRAMEWORKS = ['node:http', 'hono', 'express', 'fastify'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** Without tasks; each request a task; with a deadline and a limit as well. */
export const MODES = ['bare', 'tasks', 'limits'] as const;

/** With a deadline, a limit and a header for shorter deadlines, and with work that clients can leave. */
export const VISITED = 'visited';

export type Mode = (typeof MODES)[number] | typeof VISITED;
