import { readFileSync } from 'node:fs';

/** What `asyncio --help` shows. */
export const HELP = `\
Usage: asyncio [options] <command>

Commands:
  run FILE [args...]   run a program on an event loop (asyncio run --help)
  trace FILE           make a page of a recorded trace (asyncio trace --help)
  ps PID               the tasks of a running process, as a table
  pstree PID           the same as a tree: below each task those that it awaits
  top PID              the same live, with counts
  repl                 type code that awaits; tasks run while you type
  worker FILE          serve the functions of a file to other machines

Options:
  -h, --help           show this text
  -v, --version        show the version
`;

/** What `asyncio run --help` shows. */
export const RUN_HELP = `\
Usage: asyncio run [options] FILE [args...]

Runs the default export, or the export 'main', of a TypeScript or JavaScript
file on a new event loop. It may be an async function, a generator function, a
coroutine() function or a coroutine; a function is called with the arguments,
as strings. TypeScript is run as Node runs it: types are not checked.

A file without such an export is a program, too, when it runs a loop by itself
while it is loaded.

Options:
      --debug          turn the loop's debug mode on, and show whole stacks
      --trace FILE     record which task runs when, and waits for what:
                       asyncio trace FILE shows it
  -h, --help           show this text

Ctrl-C and SIGTERM cancel the main task: its code sees a CancelledError, and is
waited for while it cleans up. The second of them does not wait.

Exit codes:
  0    the program has ended
  1    it ended with an error, which is shown with the tasks it came through
  2    wrong usage: no such file, or nothing in it to run
  130  Ctrl-C
  143  SIGTERM
  n    it threw SystemExit(n)
`;

/** What `asyncio trace --help` shows. */
export const TRACE_HELP = `\
Usage: asyncio trace [options] FILE

Makes a page of a trace that asyncio run --trace, startTracing() or a flight
recorder has written: one HTML file that needs nothing else, and opens in any
browser. The trace itself also opens in ui.perfetto.dev and chrome://tracing.

Options:
  -o, --output FILE    the page; FILE.html beside the trace when absent, and
                       - for the standard output
  -h, --help           show this text
`;

/** The version of this package. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
