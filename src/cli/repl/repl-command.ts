import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import repl, { type REPLEval, type REPLServer, Recoverable } from 'node:repl';
import { FAILURE, SUCCESS, UNSETTLED } from '../exit-codes.ts';
import { version } from '../help.ts';
import { type Library, libraryOf } from '../library.ts';
import { cutTo, safeText } from '../terminal/display.ts';
import { UsageError } from '../usage-error.ts';
import { EndlessWait } from './endless-wait.ts';
import { LineByLine } from './line-by-line.ts';
import { Running } from './running.ts';
import { isAssignment, prepare } from './typed-code.ts';

/** The function that typed awaits go through. */
const AWAIT = '$asyncioAwait';
/** So many seconds a cancelled task may take to clean up at the end. */
const PATIENCE = 3;

/** So many columns are shown of a statement, or of a task. */
const LONGEST_TEXT = 200;
/** So many tasks are listed. */
const MOST_TASKS = 20;

/**
 * `asyncio repl`.
 *
 * @param complain shows a text to the user
 * @returns the exit code when it has ended
 * @throws {UsageError} where the runtime has no prompt that awaits
 */
export async function startRepl(complain: (text: string) => void): Promise<number> {
  if (process.versions['deno'] !== undefined) {
    throw new UsageError(
      "repl: the prompt of this runtime, Deno's node:repl, cannot await: run the command with Node, npx asyncio-ts repl",
    );
  }
  // The copy that modules get which are imported by typed code.
  const { api } = await libraryOf(path.resolve('repl.ts'));
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const paced = isTerminal ? null : new LineByLine(createInterface({ input: process.stdin }));
  if (isTerminal) process.stdout.write(banner());
  const server = repl.start({
    prompt: isTerminal ? 'asyncio> ' : '',
    input: paced ?? process.stdin,
    output: process.stdout,
    terminal: isTerminal,
    // Functions of another global object would be no functions of the same kinds for the library.
    useGlobal: true,
    breakEvalOnSigint: true,
    // A preview would run a line before it is entered.
    preview: false,
  });
  const running = new Running(api);
  defineNames(server, api, running);
  const typed: Typed = { wait: null, unfinished: '' };
  const exit = new Promise<number>((resolve) => {
    server.on('exit', () => {
      if (paced === null || typed.unfinished === '') return resolve(SUCCESS);
      complain(`asyncio repl: the input ends in the middle of a statement: ${shortened(typed.unfinished)}\n`);
      resolve(FAILURE);
    });
  });
  const stuck = new Promise<number>((resolve) => {
    // In a terminal the user can always end the wait, by Ctrl-C.
    if (paced === null) return;
    typed.wait = new EndlessWait((code) => {
      paced.stop();
      complain(textOfEndless(code, api));
      resolve(UNSETTLED);
    });
  });
  runTypedCode(server, api, typed);
  if (paced !== null) tellOfPrompts(server, () => paced.next());
  if (isTerminal) {
    cancelOnInterrupt(server, running);
    keepHistory(server);
  }
  const code = await Promise.race([exit, stuck, endOfOutput(paced, complain)]);
  await endTasks(api);
  return code;
}

/**
 * Settles with the exit code when nobody reads the output any more, or it cannot be written. Without this listener Node's REPL would take the
 * error for one of the typed code and write it to the same output, which fails again, without end.
 */
function endOfOutput(paced: LineByLine | null, complain: (text: string) => void): Promise<number> {
  return new Promise((resolve) => {
    let isFirst = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (!isFirst) return;
      isFirst = false;
      paced?.stop();
      process.stdin.destroy();
      if (error.code === 'EPIPE') return resolve(SUCCESS);
      complain(`asyncio repl: the output cannot be written: ${error.message}\n`);
      resolve(FAILURE);
    });
  });
}

/** The state of the typed code. */
interface Typed {
  /** Looks for waits without an end; `null` in a terminal. */
  wait: EndlessWait | null;
  /** The beginning of a statement that goes on in the next line; empty otherwise. */
  unfinished: string;
}

function shortened(code: string): string {
  return safeText(cutTo(code.trim(), LONGEST_TEXT));
}

/** The message about a statement whose wait nothing can end any more. */
function textOfEndless(code: string, { allTasks, getEventLoop }: Library): string {
  const tasks = [...allTasks(getEventLoop())];
  const lines = tasks.slice(0, MOST_TASKS).map((task) => `  ${safeText(cutTo(String(task), LONGEST_TEXT))}\n`);
  if (tasks.length > MOST_TASKS) lines.push(`  and ${tasks.length - MOST_TASKS} more\n`);
  return (
    `asyncio repl: nothing is left in the process that could end the wait of this statement, so what follows it is not run: ${shortened(code)}\n` +
    (tasks.length === 0 ? '' : `Tasks that are left, and are cancelled:\n${lines.join('')}`)
  );
}

function banner(): string {
  return `asyncio-ts ${version()} on Node ${process.version}: await takes any awaitable; Ctrl-D ends\n`;
}

/** Everything of the library by name, and as `asyncio`. */
function defineNames({ context }: REPLServer, api: Library, running: Running): void {
  // Node makes these when they are first used, and would make them of the library's `Event` then.
  for (const name of ['WebSocket', 'EventSource', 'fetch']) void context[name];
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(context, name, { value, configurable: true, writable: true, enumerable: false });
  };
  for (const [name, value] of Object.entries(api)) define(name, value);
  define('asyncio', api);
  define(AWAIT, running.of);
}

/** Runs what is typed through Node's own evaluation, which knows how to await at the top. */
function runTypedCode(server: REPLServer, api: Library, typed: Typed): void {
  const evaluate = server.eval;
  const run: REPLEval = function (this: REPLServer, code, context, file, done) {
    const callback: typeof done = (error, value) => {
      typed.wait?.end();
      typed.unfinished = error instanceof Recoverable ? code : '';
      done(error, value);
    };
    typed.wait?.begin(code);
    evaluate.call(server, prepare(code, AWAIT), context, file, (error, value: unknown) => {
      if (error !== null || !api.iscoroutine(value) || isAssignment(code) || isStarted(value))
        return callback(error, value);
      // A coroutine alone is awaited. By code, so that Ctrl-C works as with every await.
      Object.defineProperty(context, LAST, { value, configurable: true });
      evaluate.call(server, `await ${AWAIT}(${LAST})\n`, context, file, callback);
    });
  };
  Object.defineProperty(server, 'eval', { value: run, configurable: true, writable: true });
  // The command `.break` drops an unfinished statement. It calls nothing but this.
  const clearBufferedCommand = server.clearBufferedCommand.bind(server);
  const clear = (): void => {
    typed.unfinished = '';
    clearBufferedCommand();
  };
  Object.defineProperty(server, 'clearBufferedCommand', { value: clear, configurable: true, writable: true });
}

/**
 * Ctrl-C cancels what is awaited: the code that awaits it sees a `CancelledError`, and may clean up. Where nothing can be cancelled, or not
 * again, it does what it does in Node: code is left at once, and at the prompt the line is dropped.
 */
function cancelOnInterrupt(server: REPLServer, running: Running): void {
  const usual = server.listeners('SIGINT');
  server.removeAllListeners('SIGINT');
  server.on('SIGINT', () => {
    if (!running.interrupt()) for (const listener of usual) listener.call(server);
  });
}

/** Calls a function whenever the REPL is ready for the next line; it tells nobody else of a line that has thrown. */
function tellOfPrompts(server: REPLServer, onPrompt: () => void): void {
  const displayPrompt = server.displayPrompt.bind(server);
  const value = (preserveCursor?: boolean): void => {
    displayPrompt(preserveCursor);
    onPrompt();
  };
  Object.defineProperty(server, 'displayPrompt', { value, configurable: true, writable: true });
}

const LAST = '$asyncioLast';

/** Whether a generator has begun, or a task has it already. */
function isStarted(coroutine: object): boolean {
  return Object.getOwnPropertySymbols(coroutine).some(
    (symbol) => symbol.description === 'claimed' && (coroutine as Record<symbol, unknown>)[symbol] === true,
  );
}

/** Keeps lines for the next time, in the folder that the XDG rules name. */
function keepHistory(server: REPLServer): void {
  const given = process.env['ASYNCIO_REPL_HISTORY'];
  if (given === '') return;
  const { XDG_STATE_HOME: state } = process.env;
  const folder = state !== undefined && path.isAbsolute(state) ? state : path.join(os.homedir(), '.local', 'state');
  const file = given ?? path.join(folder, 'asyncio-ts', 'repl_history');
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  } catch {
    return; // a folder that cannot be made: this time without a history
  }
  server.setupHistory(file, () => {});
}

/** Cancels the tasks that are left, and lets them clean up. */
async function endTasks(api: Library): Promise<void> {
  const left = [...api.allTasks(api.getEventLoop())];
  if (left.length === 0) return;
  for (const task of left) task.cancel('asyncio repl has ended');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE * 1_000);
  });
  await Promise.race([Promise.allSettled(left), late]);
  clearTimeout(timer);
}
