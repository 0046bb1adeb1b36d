import { describe, expect, test } from 'vitest';
import { runInProcess } from '../../support/processes.ts';

/** Runs the body of a program that has the library's core in `core`. */
function programOf(body: string, before = '') {
  const program = `
    import * as core from 'asyncio-ts';
    const foreign = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
    ${before}
    ${body}`;
  const { stdout, stderr, status } = runInProcess(program);
  return { lines: stdout.split('\n').filter((line) => line !== ''), stderr, status };
}

const FLOATING = `
  async function audit() { await core.sleep(1); }
  await core.run(async () => {
    const request = core.createTask(async () => { audit(); await core.sleep(30); });
    await core.sleep(0.01);
    request.cancel();
    await Promise.allSettled([request]);
    await foreign(10);
    console.log('goes on');
  });`;

describe('a call that is not awaited and that its task has cancelled', () => {
  test('does not end the program', () => {
    expect(programOf(FLOATING)).toMatchObject({ lines: ['goes on'], stderr: '', status: 0 });
  });

  test('does not end it either where it is part of a Promise.all or a Promise.any', () => {
    for (const combine of ['all', 'any', 'race']) {
      const body = FLOATING.replace('audit();', `Promise.${combine}([audit(), audit()]);`);
      expect(programOf(body)).toMatchObject({ lines: ['goes on'], stderr: '', status: 0 });
    }
  });

  test('does not end it where it rejects with the reason of its signal', () => {
    const audit = `
      const { signal } = core.currentTask();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));`;
    expect(programOf(FLOATING.replace('await core.sleep(1);', audit))).toMatchObject({ lines: ['goes on'], status: 0 });
  });

  test('leaves all other rejections to the runtime, which ends the program', () => {
    const body = `${FLOATING}
      Promise.reject(new RangeError('a mistake'));
      await foreign(50);
      console.log('not reached');`;
    const { lines, stderr, status } = programOf(body);
    expect([lines, status]).toEqual([['goes on'], 1]);
    expect(stderr).toContain('RangeError: a mistake');
    expect(stderr).toContain('Node.js'); // as the runtime itself reports it
  });

  test('leaves them to it also when they are no errors, and each time', () => {
    const body = `
      process.on('uncaughtException', (error, origin) => console.log(origin, error.message ?? error));
      ${FLOATING}
      Promise.reject(new Error('one'));
      await foreign(10);
      Promise.reject(undefined);
      await foreign(10);`;
    expect(programOf(body).lines).toEqual([
      'goes on',
      'unhandledRejection one',
      expect.stringMatching(/^unhandledRejection .*undefined/),
    ]);
  });

  test('is kept from listeners of the program, which hear of all others', () => {
    const listen = `process.on('unhandledRejection', (error) => console.log('told', error.name));`;
    const rest = `Promise.reject(new RangeError('x')); await foreign(10); console.log(process.listenerCount('unhandledRejection'));`;
    const { lines, status } = programOf(`${FLOATING} ${rest}`, listen);
    expect([lines, status]).toEqual([['goes on', 'told RangeError', '1'], 0]);
  });

  test('does not hide that a run that is not awaited was cancelled', () => {
    const body = `
      core.run(async () => { core.currentTask().cancel(); await core.sleep(1); });
      await foreign(100);
      console.log('not reached');`;
    const { lines, stderr, status } = programOf(body);
    expect([lines, status]).toEqual([[], 1]);
    expect(stderr).toContain('CancelledError');
  });

  test('does not hide a rejection of code outside that awaits a cancelled task', () => {
    const body = `
      const task = core.createTask(async () => await core.sleep(1));
      (async () => await task)();
      await foreign(5);
      task.cancel();
      await foreign(50);
      console.log('not reached');`;
    expect(programOf(body)).toMatchObject({ lines: [], status: 1 });
  });
});

/** A run that is left while its main task is at a foreign promise. */
function leftBehind(rest: string, settle = 'resolve') {
  return programOf(`
    let settle;
    const late = new Promise((resolve, reject) => { settle = ${settle}; });
    const loop = core.newEventLoop();
    const task = loop.createTask(async () => { ${rest} });
    setTimeout(() => loop.stop(), 20);
    await loop.runForever();
    loop.close();
    settle(new RangeError('late'));
    await foreign(50);
    console.log('ends', core.currentTask()?.getName() ?? null);`);
}

describe('a task that its loop has left behind at a foreign promise', () => {
  test('ends quietly when the promise brings something after the loop was closed', () => {
    expect(leftBehind('await late')).toMatchObject({ lines: ['ends null'], stderr: '', status: 0 });
  });

  test('ends quietly when the promise fails then', () => {
    expect(leftBehind('await late', 'reject')).toMatchObject({ lines: ['ends null'], stderr: '', status: 0 });
  });

  test('is cancelled at its next await of the library, whatever that is', () => {
    const waits = [
      'core.sleep(1)',
      'core.sleep(0)',
      'new core.Event().wait()',
      'core.timeout(1, () => core.sleep(2))',
      'core.getEventLoop().createFuture()',
    ];
    for (const wait of waits) {
      const rest = `try { await late; await ${wait}; } catch (error) { console.log(error.name); throw error; }`;
      expect(leftBehind(rest)).toMatchObject({ lines: ['CancelledError', 'ends null'], stderr: '', status: 0 });
    }
  });

  test('can be cancelled, and woken, without a report about the closed loop', () => {
    const { lines, stderr, status } = programOf(`
      const loop = core.newEventLoop();
      const controller = new AbortController();
      const tasks = [
        loop.createTask(() => core.sleep(60)),
        loop.createTask(() => core.wrapPromise(foreign(30))),
        loop.createTask(() => foreign(30)),
        loop.createTask(() => core.gather([core.sleep(60), foreign(30)])),
        loop.createTask(() => core.sleep(60), { signal: controller.signal }),
      ];
      setTimeout(() => loop.stop(), 10);
      await loop.runForever();
      loop.close();
      controller.abort();
      for (const task of tasks) task.cancel();
      await foreign(60);
      console.log('ends');`);
    expect([lines, stderr, status]).toEqual([['ends'], '', 0]);
  });
});
