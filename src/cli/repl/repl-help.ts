/** What `asyncio repl --help` shows. */
export const REPL_HELP = `\
Usage: asyncio repl

Reads code line by line, runs it, and prints its value. Everything of asyncio-ts
is there by name, and 'await' takes whatever can be awaited: futures, tasks,
promises, and coroutines of both spellings; a coroutine alone is awaited, too.
Tasks run while you type. TypeScript is taken where Node can strip its types.

Options:
  -h, --help           show this text

Ctrl-C cancels what is awaited; at the prompt it drops the line, and twice it
ends. Ctrl-D ends. The history is in $XDG_STATE_HOME/asyncio-ts/repl_history
(~/.local/state); ASYNCIO_REPL_HISTORY names another file, or none when empty.

Code from a pipe is run line by line. Where a line waits for something that
nothing in the process can bring about any more, it ends there with code 13.
`;
