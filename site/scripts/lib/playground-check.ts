import type { Browser, Page } from 'playwright-core';
import { blocksOf } from '../../../scripts/lib/markdown.ts';
import { filesLike, textOf } from './repository.ts';
import { carrying, isRunnable } from './runnable.ts';
import type { SiteServer } from './server.ts';

/** Tries the playground as somebody would who uses it, and as somebody who tries to break it. */

/** Real milliseconds that a run may take. */
const PATIENCE = 15_000;

export async function checkPlayground(browser: Browser, server: SiteServer): Promise<string[]> {
  const problems: string[] = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on(
    'console',
    (message) => message.type() === 'error' && problems.push(`playground: the console says: ${message.text()}`),
  );
  page.on('pageerror', (error) => problems.push(`playground: a script has failed: ${error.message}`));
  for (const trial of TRIALS) {
    try {
      await page.goto('about:blank');
      await page.goto(`${server.address}playground/${trial.hash ?? carrying(trial.code ?? '')}`);
      await page.waitForFunction(() => !document.querySelector('[data-playground="app"]')?.hasAttribute('hidden'));
      const wrong = await trial.run(new Playground(page));
      if (wrong !== null) problems.push(`playground: ${trial.name}: ${wrong}`);
    } catch (error) {
      problems.push(
        `playground: ${trial.name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      );
    }
  }
  problems.push(...(await everyExample(page, server)));
  await context.close();
  problems.push(...(await withoutScripts(browser, server)), ...(await withoutWorkers(browser, server)));
  return problems;
}

/** The page, as one uses it. */
class Playground {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  part(name: string) {
    return this.page.locator(`[data-playground="${name}"]`);
  }

  async choose(speed: string): Promise<void> {
    await this.part('speed').selectOption(speed);
  }

  /** Runs the program and waits until it has come to a state. */
  async run(state = /finished|failed|stopped/): Promise<string> {
    await this.part('run').click();
    return this.until(state);
  }

  async until(state: RegExp): Promise<string> {
    await this.page.waitForFunction(
      (source) =>
        new RegExp(source).test(
          document.querySelector<HTMLElement>('[data-playground="status"]')?.dataset['state'] ?? '',
        ),
      state.source,
      { timeout: PATIENCE, polling: 20 },
    );
    return this.output();
  }

  /** The lines that are shown. */
  output(): Promise<string> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('[data-playground="output"] .line')].map((line) => line.textContent).join('\n'),
    );
  }

  async status(): Promise<string> {
    return (await this.part('status').textContent()) ?? '';
  }

  /** How many tasks are drawn. */
  async tasks(): Promise<string> {
    return (await this.part('timeline').getAttribute('aria-label')) ?? '';
  }
}

interface Trial {
  readonly name: string;
  readonly code?: string;
  readonly hash?: string;
  /** What is wrong, `null` when nothing is. */
  run(playground: Playground): Promise<string | null>;
}

const wants = (actual: string, ...wanted: readonly (string | RegExp)[]): string | null => {
  const missing = wanted.filter((part) => (typeof part === 'string' ? !actual.includes(part) : !part.test(actual)));
  return missing.length === 0
    ? null
    : `${JSON.stringify(actual.slice(0, 400))} does not have ${missing.map(String).join(', ')}`;
};

const SLEEPER = `import { run, sleep } from 'asyncio-ts';
await run(async () => {
  for (let second = 1; second <= 3; second++) {
    await sleep(1);
    console.log('second', second);
  }
});`;

const TRIALS: readonly Trial[] = [
  {
    name: 'a program prints, and its tasks are drawn',
    code: `import { run, sleep, taskGroup } from 'asyncio-ts';
await run(async () => {
  await taskGroup(async (group) => {
    group.createTask(() => sleep(0.2), { name: 'one' });
    group.createTask(() => sleep(0.3), { name: 'two' });
  });
  console.log({ done: true }, [1, 2]);
});`,
    async run(playground) {
      await playground.choose('at once');
      const output = await playground.run();
      return (
        wants(output, '{ done: true } [ 1, 2 ]') ??
        wants(await playground.status(), 'Finished at 300 ms') ??
        wants(await playground.tasks(), /: [3-9]/)
      );
    },
  },
  {
    name: 'time can be stopped and stepped',
    code: SLEEPER,
    async run(playground) {
      await playground.part('step').click(); // starts it, paused
      await playground.until(/paused/);
      await playground.page.waitForTimeout(150);
      const before = await playground.output();
      if (before.includes('second')) return `it ran although it is paused: ${before}`;
      await playground.part('step').click();
      await playground.page.waitForFunction(() =>
        document.querySelector('[data-playground="output"]')?.textContent?.includes('second 1'),
      );
      await playground.page.waitForTimeout(150);
      const after = await playground.output();
      if (after.includes('second 2')) return 'one step was more than one';
      await playground.choose('at once');
      await playground.part('pause').click();
      return wants(await playground.until(/finished/), 'second 3');
    },
  },
  {
    name: 'time can be slowed',
    code: SLEEPER.replace('sleep(1)', 'sleep(0.1)'),
    async run(playground) {
      await playground.choose('0.1');
      const began = performance.now();
      await playground.run();
      const took = performance.now() - began;
      return took < 2_900 ? `0.3 s, ten times slower, took ${took} ms` : wants(await playground.status(), '300 ms');
    },
  },
  {
    name: 'an endless loop can be stopped',
    code: 'for (;;) {}',
    async run(playground) {
      await playground.part('run').click();
      await playground.page.waitForTimeout(200);
      await playground.part('stop').click();
      return wants(await playground.until(/stopped/), 'Stopped.');
    },
  },
  {
    name: 'an endless loop that nobody stops is stopped',
    code: "console.log('before');\nwhile (true) await null;",
    async run(playground) {
      return wants(await playground.run(/stopped/), 'before', 'has not given way');
    },
  },
  {
    name: 'a program that never ends otherwise goes on until it is stopped',
    code: "import { run, sleep } from 'asyncio-ts';\nawait run(async () => { for (;;) await sleep(0.05); });",
    async run(playground) {
      await playground.part('run').click();
      await playground.page.waitForTimeout(500);
      if (!/^Running at/.test(await playground.status())) return `it says ${await playground.status()}`;
      await playground.part('stop').click();
      return wants(await playground.until(/stopped/), 'Stopped.');
    },
  },
  {
    name: 'an error says what and where',
    code: "import { run, sleep, taskGroup } from 'asyncio-ts';\nawait run(async () => {\n  await taskGroup(async (group) => {\n    group.createTask(async () => {\n      await sleep(0.1);\n      throw new RangeError('too far');\n    });\n  });\n});",
    async run(playground) {
      await playground.choose('at once');
      return (
        wants(await playground.run(/failed/), 'ExceptionGroup', 'RangeError: too far (line 6)') ??
        wants(await playground.tasks(), /: [3-9]/)
      );
    },
  },
  {
    name: 'a loop that prints for ever is stopped',
    code: "while (true) console.log('x');",
    async run(playground) {
      await playground.part('run').click();
      await playground.page.waitForFunction(() => document.querySelector('[data-playground="output"] .line') !== null);
      await playground.part('stop').click();
      return wants(await playground.until(/stopped/), 'x', 'Stopped.');
    },
  },
  {
    name: 'an error that throws when it is read ends the run',
    code: "throw Object.defineProperty(new Error('outer'), 'message', { get() { throw new Error('inner'); } });",
    async run(playground) {
      return wants(await playground.run(/failed/), 'throws when it is read');
    },
  },
  {
    name: 'a program that posts messages is not taken for the playground',
    code: "postMessage(null);\npostMessage({ type: 'end', failed: true });\nself.onmessage = null;\nconsole.log('goes on');",
    async run(playground) {
      return wants(await playground.run(/finished/), 'goes on');
    },
  },
  {
    name: 'a program in which nothing is due says what it waits for',
    code: "import { Event, run } from 'asyncio-ts';\nawait run(async function main() { await new Event().wait(); });",
    async run(playground) {
      await playground.part('run').click();
      await playground.page.waitForFunction(() =>
        document.querySelector('[data-playground="output"]')?.textContent?.includes('Nothing is due any more'),
      );
      const output = await playground.output();
      await playground.part('stop').click();
      return wants(output, 'waits for <Event');
    },
  },
  {
    name: 'an error of a callback is shown',
    code: "setTimeout(() => { throw new Error('in a timer'); }, 10);\nawait new Promise((resolve) => setTimeout(resolve, 50));",
    async run(playground) {
      return wants(await playground.run(/finished/), 'Error: in a timer (line 1)');
    },
  },
  {
    name: 'a million lines are bounded',
    code: "for (let i = 0; i < 1_000_000; i++) console.log('line', i);",
    async run(playground) {
      const output = await playground.run(/finished/);
      const shown = output.split('\n').length;
      return shown > 2_100 ? `${shown} lines are shown` : wants(output, 'line 0\nline 1\n', '998,000 more lines');
    },
  },
  {
    name: 'a package that is not here is named',
    code: "import leftPad from 'left-pad';\nconsole.log(leftPad('x', 3));",
    async run(playground) {
      return wants(
        await playground.run(/failed/),
        "'left-pad' cannot be imported here",
        "'asyncio-ts' and 'asyncio-ts/testing'",
      );
    },
  },
  {
    name: 'a misspelt import is corrected',
    code: "import { create_task } from 'asyncio-ts';\ncreate_task(async () => {});",
    async run(playground) {
      return wants(await playground.run(/failed/), 'has no export named create_task', 'Did you mean createTask?');
    },
  },
  {
    name: 'asyncio-ts/node says what it needs',
    code: "import { openConnection } from 'asyncio-ts/node';\nawait openConnection('x', 1);",
    async run(playground) {
      return wants(await playground.run(/failed/), 'needs sockets');
    },
  },
  {
    name: 'a syntax error has a line',
    code: 'const a = 1;\nconst b = = 2;',
    async run(playground) {
      return wants(await playground.run(/failed/), 'line 2');
    },
  },
  {
    name: 'Python gets a hint',
    code: "import asyncio\n\nasync def main():\n    await asyncio.sleep(1)\n    print('hello')\n\nasyncio.run(main())\n",
    async run(playground) {
      return wants(await playground.run(/failed/), 'This is Python', 'await run(main);', 'await sleep(1);');
    },
  },
  {
    name: 'a damaged link says so',
    hash: `${carrying("console.log('whole')").slice(0, -6)}`,
    async run(playground) {
      await playground.page.waitForFunction(() => document.querySelector('.cm-content')?.textContent !== '');
      return wants(await playground.output(), 'does not hold a whole program');
    },
  },
  {
    name: 'a link that is no link says so',
    hash: '#code=%00<script>',
    async run(playground) {
      await playground.page.waitForFunction(() => document.querySelector('.cm-content')?.textContent !== '');
      return wants(await playground.output(), 'does not hold a whole program');
    },
  },
  {
    name: 'a link carries the program, and nothing runs by itself',
    code: "console.log('carried');",
    async run(playground) {
      await playground.page.waitForFunction(() =>
        document.querySelector('.cm-content')?.textContent?.includes('carried'),
      );
      await playground.page.waitForTimeout(200);
      const before = await playground.output();
      if (/^carried$/m.test(before)) return 'it ran before anybody asked';
      await playground.part('share').click();
      await playground.page.waitForFunction(() => location.hash.startsWith('#code='));
      await playground.page.reload();
      return wants(await playground.run(/finished/), /^carried$/m);
    },
  },
  {
    name: 'the programs to choose from run',
    hash: '',
    async run(playground) {
      await playground.choose('at once');
      const count = await playground.part('example').locator('option').count();
      if (count < 5) return `there are only ${count - 1}`;
      for (let index = 0; index < count - 1; index++) {
        await playground.part('example').selectOption(String(index));
        const output = await playground.until(/finished|failed/);
        const status = await playground.status();
        const isDeadlock = output.includes('DeadlockError');
        if (output === '' || (/error/.test(status) && !isDeadlock)) return `program ${index + 1}: ${status}: ${output}`;
      }
      return null;
    },
  },
];

/** Every example that has a link to the playground prints there what its comments say. */
async function everyExample(page: Page, server: SiteServer): Promise<string[]> {
  const documents = ['README.md', ...filesLike('docs/{*,[!d]*/*}.md')];
  const programs = documents.flatMap((file) =>
    blocksOf(textOf(file)).flatMap((block) =>
      block.kind === 'code' && isRunnable(block.info, block.text) ? [{ file, code: block.text }] : [],
    ),
  );
  const problems: string[] = [];
  await page.goto(`${server.address}playground/`);
  const playground = new Playground(page);
  await playground.choose('at once');
  for (const { file, code } of programs) {
    const title = `${file}: the example ${JSON.stringify(code.split('\n').find((line) => !line.startsWith('import')))}`;
    await page.evaluate((hash) => {
      location.hash = hash;
    }, carrying(code));
    const last = code.trim().split('\n').at(-1)!;
    await page.waitForFunction(
      (text) => document.querySelector('[data-playground="app"]')?.getAttribute('data-program') === text,
      carrying(code),
      { timeout: PATIENCE },
    );
    try {
      const output = await playground.run();
      // In a page the library knows the places of the program's awaits, and some messages end with them.
      const printed = output.split('\n');
      const prints = (text: string) =>
        printed.some((line) => line === text || line.startsWith(`${text} at program.ts`));
      const missing = code.split('\n').flatMap((line) => {
        const [, comment] = line.match(/console\.log\(.*\);? \/\/ (.*)$/) ?? [];
        return comment === undefined || prints(comment) || comment.split(', ').every(prints) ? [] : [comment];
      });
      if (/error/.test(await playground.status()))
        problems.push(`playground: ${title} ends with an error: ${output.slice(0, 300)}`);
      else if (missing.length > 0)
        problems.push(`playground: ${title} does not print ${missing.join(' | ')}, but ${output.slice(0, 300)}`);
    } catch {
      problems.push(
        `playground: ${title} does not end (its last line is ${last}): ${(await playground.output()).slice(0, 200)}`,
      );
    }
  }
  console.log(`${programs.length} examples of the guides ran in the playground`);
  if (programs.length < 20) problems.push(`only ${programs.length} examples have a link to the playground`);
  return problems;
}

async function withoutScripts(browser: Browser, server: SiteServer): Promise<string[]> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const problems: string[] = [];
  await page.goto(`${server.address}playground/`);
  if (!(await page.locator('noscript').allInnerTexts()).join().includes('needs scripts'))
    problems.push('playground: without scripts it does not say that it needs them');
  await page.goto(`${server.address}start/`);
  const text = await page.locator('main').innerText();
  if (!text.includes('taskGroup') || !(await page.locator('nav a').first().isVisible()))
    problems.push('start/: without scripts it cannot be read');
  await context.close();
  return problems;
}

async function withoutWorkers(browser: Browser, server: SiteServer): Promise<string[]> {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    Reflect.deleteProperty(globalThis, 'Worker');
  });
  const page = await context.newPage();
  await page.goto(`${server.address}playground/`);
  const isTold = await page.locator('[data-playground="unsupported"]').isVisible();
  await context.close();
  return isTold ? [] : ['playground: without workers it does not say that it needs them'];
}
