/** Somebody who comes from asyncio may paste Python. */

const SIGNS: readonly RegExp[] = [
  /^\s*(async\s+)?def\s+\w+\s*\(.*\)\s*(->\s*[^:]+)?:\s*(#.*)?$/m,
  /^\s*(import\s+\w+(\s+as\s+\w+)?|from\s+[\w.]+\s+import\s+[\w*][^'"]*)\s*$/m,
  /^\s*(async\s+)?with\s+.+:\s*$/m,
  /^\s*(async\s+)?(for\s+\w+\s+in\s+.+|if\s+.+|elif\s+.+|else|try|except.*|finally|while\s+.+):\s*$/m,
  /^if __name__ == /m,
  /^\s*await\s+asyncio\.\w+\(/m,
  /\basyncio\.run\(/,
];

/** Whether a program is Python rather than TypeScript: it has two signs of that, so that one line that looks alike does not count. */
export function looksLikePython(code: string): boolean {
  return SIGNS.filter((sign) => sign.test(code)).length >= 2;
}

/** How the common lines are written here. */
const LINES: readonly (readonly [sign: RegExp, python: string, here: string])[] = [
  [/import asyncio|from asyncio/, 'import asyncio', "import { run, sleep } from 'asyncio-ts';"],
  [/async\s+def/, 'async def main():', 'async function main() { … }'],
  [/asyncio\.run\(/, 'asyncio.run(main())', 'await run(main);'],
  [/asyncio\.sleep\(/, 'await asyncio.sleep(1)', 'await sleep(1);'],
  [/create_task\(/, 'asyncio.create_task(f())', 'createTask(f)'],
  [/asyncio\.gather\(/, 'await asyncio.gather(f(), g())', 'await gather(f, g)'],
  [/asyncio\.timeout\(/, 'async with asyncio.timeout(5):', 'await timeout(5, async () => { … });'],
  [/TaskGroup\(/, 'async with asyncio.TaskGroup() as tg:', 'await taskGroup(async (group) => { … });'],
  [/wait_for\(/, 'await asyncio.wait_for(f(), 5)', 'await waitFor(f, 5)'],
  [/asyncio\.Queue\(/, 'queue = asyncio.Queue()', 'const queue = new Queue();'],
  [/async\s+with\s+\w*lock/i, 'async with lock:', 'using _ = await lock.acquire();'],
  [/print\(/, "print('x')", "console.log('x');"],
];

/** The lines of the program's kind, and how they are written here. */
export function hintsFor(code: string): string[] {
  const found = LINES.filter(([sign]) => sign.test(code)).map(([, python, here]) => `${python}   →   ${here}`);
  return ['This is Python. The playground runs TypeScript, with the same names in camel case:', ...found];
}
