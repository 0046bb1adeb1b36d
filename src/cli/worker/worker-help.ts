/** What `asyncio worker --help` shows. */
export const WORKER_HELP = `\
Usage: asyncio worker FILE (--bullmq URL | --nats URL) [options]

Serves the functions that a TypeScript or JavaScript file exports to the
clients of a queue: programs with a DistributedExecutor, on any machine.

Options:
      --bullmq URL        the jobs come over BullMQ: redis://, rediss://,
                          postgres://
      --nats URL          the jobs come over NATS: nats://, tls://
  -q, --queue NAME        the queue; 'default' when absent
      --name NAME         serve only clients that ask for this name, such as
                          the app:work of moduleFunctions('app:work')
  -c, --concurrency N     how many jobs run at the same time; 1 when absent,
                          as many as there are threads with --threads
      --threads N         run the functions in N threads: for those that
                          compute, which would block the loop. A thread has no
                          loop of its own
  -h, --help              show this text

Ctrl-C and SIGTERM drain: no more jobs are taken, those that run may end. The
second of them cancels those that run, and ends the threads.

Exit codes:
  0    it was drained
  1    it cannot reach the queue, or has ended with an error
  2    wrong usage: no such file, or no function in it
`;
