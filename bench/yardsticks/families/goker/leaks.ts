import type { Kernel } from '../../kernel.ts';
import { blocked, cycle } from '../../waits.ts';
import { kernel } from './define.ts';
import {
  Chan,
  Cond,
  type Go,
  go,
  join,
  joinAll,
  Mutex,
  preempt,
  RWMutex,
  receiveFrom,
  select,
  sendTo,
  WaitGroup,
} from './go.ts';

/** Goroutines that are left: whoever was to end their wait has returned without doing so. */
export const leaks: readonly Kernel[] = [
  kernel({
    name: 'etcd#5509',
    bug: 'an acquisition that finds the client closed returns without giving up its read lock, which whoever closes the client waits for',
    shows: null,
    program: (isFixed) =>
      function* () {
        const client = new RWMutex('client');
        let isClosed = false;
        function* get(): Go {
          for (let i = 0; i < 3; i++) {
            yield* client.rLock();
            if (isClosed) {
              if (isFixed) client.rUnlock(); // the fix
              return;
            }
            client.rUnlock();
          }
        }
        function* close(): Go {
          yield* client.lock();
          isClosed = true;
          client.unlock();
          yield* preempt();
          yield* client.lock();
          client.unlock();
        }
        yield* join(go('get', get), go('close', close));
      },
    expects: blocked({ close: "<RWMutex 'client' for writing>" }),
  }),

  kernel({
    name: 'etcd#7443',
    bug: 'a connection that is torn down tells the balancer under its lock, through a channel whose reader is closing that very connection',
    shows: null,
    program: (isFixed) =>
      function* () {
        const balancer = new Mutex('balancer');
        const notify = new Chan('notify', 1);
        const closing = new Chan('closing');
        let isClosed = false;
        /** So many addresses are in use, and told to the watcher when they are no longer. */
        let pinned = 3;
        function* watch(): Go {
          for (;;) {
            const { at } = yield* select([receiveFrom(closing), receiveFrom(notify)]);
            if (at === 0) return;
            yield* down();
          }
        }
        function* down(): Go {
          yield* balancer.lock();
          if (!isClosed && pinned-- > 0) {
            // The fix: who sends looks whether it is closed while it waits.
            const ways = [sendTo(notify, true)];
            yield* select(isFixed ? [...ways, receiveFrom(closing)] : ways);
          }
          balancer.unlock();
        }
        function* close(): Go {
          if (isFixed) closing.close();
          yield* balancer.lock();
          isClosed = true;
          if (!isFixed) closing.close();
          balancer.unlock();
        }
        notify.trySend(true);
        const closer = go('closer', close);
        yield* join(go('watcher', watch), go('teardown', down), go('another teardown', down), closer);
      },
    expects: blocked({ closer: "<Mutex 'balancer'>", teardown: 'waits for' }),
  }),

  kernel({
    name: 'grpc#660',
    bug: 'a loop that is stopped leaves the goroutine of its last request, which sends its result',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const stop = new Chan('stop');
        function* closeLoop(): Go {
          for (let i = 0; i < 3; i++) {
            const done = new Chan('done', isFixed ? 1 : 0); // the fix
            go('request', () => done.send(true));
            const { at } = yield* select([receiveFrom(stop), receiveFrom(done)]);
            if (at === 0) return;
          }
          yield* stop.receive();
        }
        function* stopIt(): Go {
          yield* stop.send(true);
        }
        go('stopper', stopIt);
        go('loop', closeLoop);
        yield* joinAll();
      },
    expects: blocked({ request: "receiver of 'done'" }),
  }),

  kernel({
    name: 'grpc#1275',
    bug: 'a stream that is closed does not tell its reader, which waits for more',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const received = new Chan('recvBuffer');
        const done = new Chan('done');
        function* read(): Go {
          yield* received.receive();
          done.close();
        }
        function* closeStream(): Go {
          yield* preempt();
          if (isFixed) received.close(); // the fix
        }
        go('reader', read);
        yield* closeStream();
        yield* done.receive();
      },
    expects: blocked({ reader: "sender to 'recvBuffer'" }),
  }),

  kernel({
    name: 'grpc#1424',
    bug: 'a dialler waits for the watcher of addresses to say that it is done; when the addresses end at once, it never does',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const addresses = new Chan('addresses');
        const done = new Chan('done');
        function* lbWatcher(): Go {
          for (;;) {
            const { ok } = yield* addresses.receive();
            if (!ok) break;
            done.close();
          }
          if (isFixed) done.close(); // the fix
        }
        function* dial(): Go {
          go('watcher', lbWatcher);
          yield* done.receive();
        }
        const dialler = go('dialler', dial);
        addresses.close();
        yield* join(dialler);
      },
    expects: blocked({ dialler: "sender to 'done'" }),
  }),

  kernel({
    name: 'grpc#862',
    bug: 'a connection that could not be made is not closed, so that the goroutine that tries to make it waits for ever',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const ended = new Chan('connection.done');
        const cancelled = new Chan('cancelled');
        function* resetTransport(): Go {
          yield* ended.receive();
        }
        function* dialContext(): Go {
          go('transport', resetTransport);
          const isMade = false;
          yield* cancelled.receive();
          if (isFixed || isMade) ended.close(); // the fix: also when there is no connection to give back
        }
        function* cancel(): Go {
          yield* preempt();
          cancelled.close();
        }
        go('dialler', dialContext);
        go('cancel', cancel);
        yield* joinAll();
      },
    expects: blocked({ transport: "sender to 'connection.done'" }),
  }),

  kernel({
    name: 'kubernetes#25331',
    bug: 'a watch cancels itself before it sends its error, and whoever would read the error returns when it is cancelled',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const errors = new Chan('errors');
        const results = new Chan('results');
        const cancelled = new Chan('cancelled');
        function* run(): Go {
          const { at } = yield* select([receiveFrom(errors), receiveFrom(cancelled)]);
          if (at === 1) return;
          if (!isFixed) cancelled.close(); // the fix: only the reader cancels
          yield* select([sendTo(results, true), ...(isFixed ? [receiveFrom(cancelled)] : [])]);
        }
        function* stop(): Go {
          yield* errors.send(true);
          if (isFixed) cancelled.close();
        }
        yield* join(go('watch', run), go('stopper', stop));
      },
    expects: blocked({ watch: "receiver of 'results'" }),
  }),

  kernel({
    name: 'moby#25384',
    bug: 'a manager waits for all plugins after it has started one of them',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const group = new WaitGroup('plugins');
        const plugins = ['first', 'second'];
        function* init(): Go {
          group.add(plugins.length);
          for (const plugin of plugins) {
            go(plugin, function* restore(): Go {
              yield* preempt();
              group.done();
            });
            if (!isFixed) yield* group.wait();
          }
          if (isFixed) yield* group.wait(); // the fix: after the loop
        }
        yield* join(go('manager', init));
      },
    expects: blocked({ manager: "<WaitGroup 'plugins'>" }),
  }),

  kernel({
    name: 'moby#30408',
    bug: 'a plugin whose activation has failed is waited for as if it would still become active',
    shows: null,
    program: (isFixed) =>
      function* () {
        const plugin = new Mutex('plugin');
        const activated = new Cond('activated', plugin);
        let isOver = false;
        function* waitActive(): Go {
          yield* plugin.lock();
          while (!isOver) yield* activated.wait();
          plugin.unlock();
        }
        function* fail(): Go {
          yield* plugin.lock();
          isOver = isFixed; // the fix: a failure ends the wait as well
          activated.broadcast();
          plugin.unlock();
        }
        yield* join(go('waiter', waitActive), go('activation', fail));
      },
    expects: blocked({ waiter: "<Cond 'activated'>" }),
  }),

  kernel({
    name: 'moby#17176',
    bug: 'devices are cleaned up under their lock, which is not given up when there is nothing to clean up',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const devices = new Mutex('devices');
        const deleted: string[] = [];
        function* cleanUp(): Go {
          yield* devices.lock();
          if (deleted.length === 0) {
            if (isFixed) devices.unlock(); // the fix
            return;
          }
          devices.unlock();
        }
        function* use(): Go {
          yield* devices.lock();
          devices.unlock();
        }
        yield* join(go('clean-up', cleanUp));
        yield* join(go('user', use));
      },
    expects: blocked({ user: "<Mutex 'devices'>" }),
  }),

  kernel({
    name: 'moby#7559',
    bug: 'a proxy that cannot dial tries again with the lock still held',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const connections = new Mutex('connTrack');
        function* run(): Go {
          for (let i = 0; i < 2; i++) {
            yield* connections.lock();
            const hasFailed = i === 0;
            if (hasFailed) {
              if (isFixed) connections.unlock(); // the fix
              continue;
            }
            connections.unlock();
          }
        }
        yield* join(go('proxy', run));
      },
    expects: cycle('proxy'),
  }),

  kernel({
    name: 'cockroach#25456',
    bug: 'a queue waits until its store is to be quiet, and the test has a store that nobody stops',
    shows: null,
    program: (isFixed) =>
      function* () {
        const quiescer = new Chan('quiescer');
        function* process(): Go {
          yield* quiescer.receive();
        }
        const processing = go('queue', process);
        yield* preempt();
        if (isFixed) quiescer.close(); // the fix
        yield* join(processing);
      },
    expects: blocked({ queue: "sender to 'quiescer'" }),
  }),

  kernel({
    name: 'cockroach#13197',
    bug: 'a transaction that is begun with a context that nobody cancels leaves the goroutine that waits for that',
    shows: null,
    program: (isFixed) =>
      function* () {
        const cancelled = new Chan('transaction.done');
        function* awaitDone(): Go {
          yield* cancelled.receive();
        }
        function* begin(): Go {
          go('awaitDone', awaitDone);
          yield* preempt();
          if (isFixed) cancelled.close(); // the fix: the transaction is ended in any case
        }
        yield* begin();
        yield* joinAll();
      },
    expects: blocked({ awaitDone: "sender to 'transaction.done'" }),
  }),

  kernel({
    name: 'cockroach#35073',
    bug: 'rows are pushed into the channel of an outbox that has ended without emptying it',
    shows: null,
    program: (isFixed) =>
      function* () {
        const rows = new Chan('rows', 2);
        let isConsumerClosed = false;
        function* push(): Go {
          if (!isConsumerClosed) yield* rows.send(true);
        }
        function* run(): Go {
          yield* preempt();
          // The fix: it is marked as closed, and emptied for those who wait already.
          if (isFixed) {
            isConsumerClosed = true;
            while (rows.tryReceive() !== null);
          }
        }
        for (let i = 0; i < 2; i++) yield* push();
        const pusher = go('pusher', push);
        yield* join(go('outbox', run));
        yield* join(pusher);
      },
    expects: blocked({ pusher: "receiver of 'rows'" }),
  }),

  kernel({
    name: 'cockroach#35931',
    bug: 'a flow that is cancelled pushes an error to each receiver, of which one has a full channel that nobody reads',
    shows: null,
    program: (isFixed) =>
      function* () {
        const receivers = [new Chan('left', 1), new Chan('right', 1)];
        yield* receivers[0]!.send(true);
        function* cancelFlow(): Go {
          for (const receiver of receivers) {
            // The fix: each is pushed to by a goroutine of its own, which gives up when the flow has ended.
            if (isFixed) receiver.trySend(true);
            else yield* receiver.send(true);
          }
        }
        yield* join(go('flow', cancelFlow));
      },
    expects: blocked({ flow: "receiver of 'left'" }),
  }),
];
