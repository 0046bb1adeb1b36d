import http from 'node:http';

/** What a client does. */
export interface Visit {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Leaves after so many milliseconds. */
  readonly leavesAfter?: number;
  /** Leaves after the first piece of the body. */
  readonly leavesEarly?: boolean;
}

/** Numbers that are the same in each run. */
function randomNumbers(): (below: number) => number {
  let seed = 1;
  return (below) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** A client of the shop, at random. */
export function visitToShop(random: (below: number) => number): Visit {
  const kind = random(20);
  if (kind < 10) return { method: 'GET', path: '/products/1' };
  if (kind < 13) return { method: 'POST', path: '/orders', headers: JSON_TYPE, body: '{"product":1,"quantity":1}' };
  if (kind < 15) return { method: 'GET', path: '/report?seconds=30', leavesAfter: random(8) };
  if (kind < 17) return { method: 'GET', path: '/products/1', leavesAfter: random(4) };
  if (kind < 18)
    return { method: 'GET', path: '/report?seconds=1', headers: { 'x-request-timeout-ms': String(random(8)) } };
  return kind < 19 ? { method: 'GET', path: '/fails' } : { method: 'GET', path: '/events', leavesEarly: true };
}

/** How often each answer has come; `left` for clients that did not wait for one. */
export async function load(
  base: string,
  requests: number,
  connections: number,
  visit: (random: (below: number) => number) => Visit,
): Promise<Record<string, number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const random = randomNumbers();
  const answers: Record<string, number> = {};
  let left = requests;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await ask(base, agent, visit(random));
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return answers;
}

function ask(base: string, agent: http.Agent, { method, path, headers, body, leavesAfter, leavesEarly }: Visit) {
  return new Promise<string>((resolve, reject) => {
    let hasLeft = false;
    const request = http.request(base + path, { agent, method, headers: { ...headers } }, (response) => {
      const answer = String(response.statusCode);
      response.on('data', () => {
        if (leavesEarly !== true) return;
        hasLeft = true;
        request.destroy();
        resolve('left');
      });
      response.on('error', () => {});
      response.on('end', () => resolve(answer));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (hasLeft) resolve('left');
      // The server has closed a connection that was kept alive, or that has got a 504.
      else if (error.code === 'ECONNRESET' && request.reusedSocket) resolve('reset');
      else reject(error);
    });
    request.end(body);
    if (leavesAfter === undefined) return;
    setTimeout(() => {
      hasLeft = true;
      request.destroy();
      resolve('left');
    }, leavesAfter);
  });
}
