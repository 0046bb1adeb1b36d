import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { rawClient } from '../../../support/http-servers.ts';

const FROM_SOURCE = new URL('../../../support/from-source.ts', import.meta.url).href;
const PROGRAM = fileURLToPath(new URL('./programs/sigterm.ts', import.meta.url));

const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

test('SIGTERM, once or twice, drains a server whose clients never finish reading, and the process ends with exit code 0', async () => {
  const child = spawn(process.execPath, ['--import', FROM_SOURCE, PROGRAM], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const lines: string[] = [];
  const closed = once(child, 'close');
  const waiting = new Set(['/big', '/events', '/slow']);
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith('port ')) {
      const port = Number(line.slice('port '.length));
      // The connection stays open after its answer; the others are asked for after that.
      const idle = rawClient(port, request('/idle'));
      idle.once('data', () => {
        for (const path of waiting) rawClient(port, request(path));
      });
      idle.resume();
    }
    const path = line.replace(' begins', '');
    if (line === 'SIGTERM' && lines.indexOf(line) === lines.length - 1) child.kill('SIGTERM');
    if (waiting.delete(path) && waiting.size === 0) child.kill('SIGTERM');
  }
  const [code] = (await closed) as [number | null];
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // The work of /big has ended by itself, and its response was still being sent.
  expect(lines.filter((line) => line.endsWith(' ends')).sort()).toEqual(
    ['/big', '/events', '/idle', '/slow'].map((path) => `${path} ends`),
  );
  const report = lines.indexOf('true 0 []');
  expect(lines.slice(report)).toEqual(
    expect.arrayContaining(['true 0 []', 'cut: GET /big ', 'cut: GET /events ', 'cut: GET /slow ']),
  );
  expect(lines.filter((line) => line !== 'SIGTERM')).toHaveLength(13);
});
