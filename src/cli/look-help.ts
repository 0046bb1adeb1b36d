const CONDITIONS = `\
The process needs no preparation: it runs Node, imports asyncio-ts, and belongs
to the same user. Its inspector is opened at a port of this machine, asked, and
closed again; where it was open before (--inspect) it stays open.
`;

const CODES = `\
Exit codes:
  0    done
  1    the process cannot be looked at; the reason is on stderr
  2    wrong usage
`;

/** What \`--help\` shows of the commands that look at another process. */
export const LOOK_HELP = {
  ps: `\
Usage: asyncio ps [options] PID

Shows the tasks of a running process: their state, the functions that they are
in, what they wait for, and who awaits them. Circles of tasks that wait for each
other are told as deadlocks.

Options:
      --locals         where generators are suspended, and their variables
      --json           print data instead of a table
      --limit N        look at N tasks, the oldest ones
  -h, --help           show this text

${CONDITIONS}
${CODES}`,
  pstree: `\
Usage: asyncio pstree [options] PID

Shows the tasks of a running process as a tree: below each task those that it
awaits. Circles of tasks that wait for each other are told as deadlocks.

Options:
      --locals         where generators are suspended, and their variables
      --json           print data instead of a tree
      --limit N        look at N tasks, the oldest ones
  -h, --help           show this text

${CONDITIONS}
${CODES}`,
  top: `\
Usage: asyncio top [options] PID

Shows the tasks of a running process live, with the steps that they make and the
time that they take. The keys are shown below; ? explains them.

Options:
      --write          allow to cancel tasks (key k)
      --interval S     look every S seconds (1)
      --limit N        look at N tasks, the oldest ones (10000)
  -h, --help           show this text

${CONDITIONS}
Steps are counted while top runs, which makes each step of the process slower.

${CODES}`,
} as const;
