import { sleep } from 'asyncio-ts';
import type { Kernel } from '../../kernel.ts';
import { blocked } from '../../waits.ts';
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
  selectOrDefault,
  sendTo,
  WaitGroup,
} from './go.ts';

/** Deadlocks of a lock with something else: a channel, a condition, a group that is waited for. */
export const mixed: readonly Kernel[] = [
  kernel({
    name: 'kubernetes#1321',
    bug: 'events are sent to the watchers under the lock; a watcher that nobody reads from any more has to take the lock to stop',
    shows: 1,
    program: (isFixed) =>
      function* () {
        const mux = new Mutex('mux');
        const result = new Chan('result');
        const stopped = new Chan('stopped');
        let isWatching = true;
        function* distribute(): Go {
          for (let i = 0; i < 3; i++) {
            yield* mux.lock();
            // The fix: the watcher says without the lock that it has stopped.
            if (isWatching)
              yield* select(isFixed ? [sendTo(result, true), receiveFrom(stopped)] : [sendTo(result, true)]);
            mux.unlock();
          }
        }
        function* watch(): Go {
          yield* result.receive();
          if (isFixed) stopped.close();
          yield* mux.lock();
          isWatching = false;
          mux.unlock();
        }
        yield* join(go('distributor', distribute), go('watcher', watch));
      },
    expects: blocked({ distributor: "receiver of 'result'", watcher: "<Mutex 'mux'>, held by distributor" }),
  }),

  kernel({
    name: 'kubernetes#6632',
    bug: 'a frame is written under the lock and resets the timer through a channel; the monitor that reads it stops, and wants the lock for that',
    shows: 4,
    program: (isFixed) =>
      function* () {
        const write = new Mutex('write');
        const reset = new Chan('reset');
        const close = new Chan('close');
        let isOpen = true;
        function* monitor(): Go {
          for (;;) {
            const { at } = yield* select([receiveFrom(close), receiveFrom(reset)]);
            if (at === 0) break;
          }
          // The fix: somebody goes on to read what is written meanwhile.
          if (isFixed) go('drain', drain);
          yield* write.lock();
          isOpen = false;
          reset.close();
          write.unlock();
        }
        function* drain(): Go {
          for (;;) if (!(yield* reset.receive()).ok) return;
        }
        function* writeFrame(): Go {
          yield* write.lock();
          if (isOpen) yield* reset.send(true);
          write.unlock();
        }
        function* closeIt(): Go {
          yield* close.send(true);
        }
        yield* join(go('monitor', monitor), go('writer', writeFrame), go('closer', closeIt));
      },
    expects: blocked({ monitor: "<Mutex 'write'>, held by writer", writer: "receiver of 'reset'" }),
  }),

  kernel({
    name: 'moby#27782',
    bug: 'whoever follows the log removes its watch and waits until the reader of the events confirms that; the reader waits for somebody who takes its event',
    shows: 2,
    program: (isFixed) =>
      function* () {
        const logger = new Mutex('logger');
        const watcher = new Mutex('watcher');
        const removed = new Cond('removed', watcher);
        const events = new Chan<string>('events');
        const done = new Chan('done');
        const closeNotify = new Chan('closeNotify');
        let isThere = true;
        function* readEvents(): Go {
          for (const event of ['written', 'removed']) {
            if (event === 'written') {
              const { at } = yield* select([sendTo(events, event), receiveFrom(done)]);
              if (at === 1) return;
            } else {
              yield* watcher.lock();
              isThere = false;
              removed.broadcast();
              watcher.unlock();
            }
          }
        }
        function* followLogs(): Go {
          yield* logger.lock();
          const reader = go('events', readEvents);
          const { at } = yield* select([receiveFrom(closeNotify), receiveFrom(events)]);
          if (at === 0) {
            // The fix: the watch is closed, which ends the reader, instead of being removed.
            if (isFixed) done.close();
            else {
              yield* watcher.lock();
              while (isThere) yield* removed.wait();
              watcher.unlock();
            }
          } else {
            done.close();
          }
          logger.unlock();
          yield* join(reader);
        }
        function* reset(): Go {
          closeNotify.close();
          yield* preempt();
          yield* logger.lock();
          logger.unlock();
        }
        yield* join(go('follower', followLogs), go('reset', reset));
      },
    expects: blocked({
      follower: "<Cond 'removed'>",
      events: "receiver of 'events'",
    }),
  }),

  kernel({
    name: 'etcd#6873',
    bug: 'the broadcasts are stopped under the lock, which waits for the goroutine that still coalesces an update and needs the lock for it',
    shows: 9,
    program: (isFixed) =>
      function* () {
        const watches = new Mutex('watches');
        const update = new Chan('update', 1);
        const done = new Chan('done');
        function* coalesce(): Go {
          for (;;) {
            const { ok } = yield* update.receive();
            if (!ok) break;
            yield* watches.lock();
            watches.unlock();
          }
          done.close();
        }
        function* stop(): Go {
          if (!isFixed) yield* watches.lock(); // the fix: it waits without the lock
          yield* preempt();
          update.close();
          yield* done.receive();
          if (!isFixed) watches.unlock();
        }
        update.trySend(true);
        yield* join(go('coalescer', coalesce), go('stopper', stop));
      },
    expects: blocked({ coalescer: "<Mutex 'watches'>, held by stopper", stopper: "sender to 'done'" }),
  }),

  kernel({
    name: 'kubernetes#10182',
    bug: 'the status of a pod is sent under the lock; the goroutine that receives it takes the lock before it receives the next one',
    shows: 15,
    program: (isFixed) =>
      function* () {
        const statuses = new Mutex('podStatuses');
        const channel = new Chan('podStatus');
        function* syncBatch(): Go {
          for (let i = 0; i < 2; i++) {
            yield* channel.receive();
            yield* statuses.lock();
            statuses.unlock();
          }
        }
        function* setPodStatus(): Go {
          yield* statuses.lock();
          // The fix: what is sent is made under the lock, and sent without it.
          if (isFixed) statuses.unlock();
          yield* channel.send(true);
          if (!isFixed) statuses.unlock();
        }
        yield* join(go('sync', syncBatch), go('status 1', setPodStatus), go('status 2', setPodStatus));
      },
    expects: blocked({ sync: "<Mutex 'podStatuses'>, held by status", status: "receiver of 'podStatus'" }),
  }),

  kernel({
    name: 'kubernetes#26980',
    bug: 'what is pending is handed over under the lock, so that nobody can add anything meanwhile, not even who would take it',
    shows: null,
    program: (isFixed) =>
      function* () {
        const listener = new Mutex('listener');
        const next = new Chan('next');
        const pending = [1];
        function* pop(): Go {
          yield* listener.lock();
          pending.shift();
          if (isFixed) listener.unlock(); // the fix
          yield* next.send(true);
          if (!isFixed) listener.unlock();
        }
        function* add(): Go {
          yield* listener.lock();
          pending.push(2);
          listener.unlock();
          yield* next.receive();
        }
        yield* join(go('pop', pop), go('add', add));
      },
    expects: blocked({ pop: "receiver of 'next'", add: "<Mutex 'listener'>, held by pop" }),
  }),

  kernel({
    name: 'moby#28462',
    bug: 'the monitor of the health of a container is stopped under the lock of the container, which the monitor wants for the result of its probe',
    shows: 69,
    program: (isFixed) =>
      function* () {
        const container = new Mutex('container');
        const stop = new Chan('stop');
        function* monitor(): Go {
          for (let probe = 0; probe < 3; probe++) {
            if ((yield* selectOrDefault([receiveFrom(stop)])) !== null) return;
            yield* container.lock();
            container.unlock();
          }
          yield* stop.receive();
        }
        function* stateChanged(): Go {
          yield* container.lock();
          // The fix: the channel is closed, which does not wait.
          if (isFixed) stop.close();
          else yield* stop.send(true);
          container.unlock();
        }
        yield* join(go('monitor', monitor), go('daemon', stateChanged));
      },
    expects: blocked({ monitor: "<Mutex 'container'>, held by daemon", daemon: "receiver of 'stop'" }),
  }),

  kernel({
    name: 'etcd#7492',
    bug: 'tokens are handed to their keeper under a lock through a channel with one place; the keeper wants the lock to delete those that are too old',
    shows: 40,
    program: (isFixed) =>
      function* () {
        const tokens = new Mutex('simpleTokens');
        const added = new Chan('addSimpleToken', 1);
        const tick = new Chan('tick', 1);
        const stop = new Chan('stop');
        function* keep(): Go {
          const kept = new Set<string>();
          for (;;) {
            const { at } = yield* select([receiveFrom(tick), receiveFrom(added), receiveFrom(stop)]);
            if (at === 2) return;
            if (at === 1) kept.add('token');
            else if (kept.size > 0) {
              yield* tokens.lock();
              tokens.unlock();
              kept.clear();
            }
          }
        }
        function* assign(): Go {
          yield* tokens.lock();
          if (isFixed) tokens.unlock(); // the fix: the keeper has a lock of its own
          yield* added.send(true);
          if (!isFixed) tokens.unlock();
        }
        function* ticker(): Go {
          yield* tick.send(true);
        }
        const keeper = go('keeper', keep);
        yield* join(go('user 1', assign), go('user 2', assign), go('user 3', assign), go('ticker', ticker));
        stop.close();
        yield* join(keeper);
      },
    expects: blocked({ keeper: "<Mutex 'simpleTokens'>, held by user", user: "receiver of 'addSimpleToken'" }),
  }),

  kernel({
    name: 'etcd#7902',
    bug: 'a follower waits under the lock for the leader to begin the next round, for which the leader needs the lock',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const election = new Mutex('election');
        const begun = new WaitGroup('begun');
        let next = new Chan('next');
        function* round(isLeader: boolean): Go {
          yield* election.lock();
          const mine = next;
          election.unlock();
          begun.done();
          if (isLeader) yield* begun.wait();
          if (!isFixed) yield* election.lock(); // the fix
          if (isLeader) {
            next.close();
            next = new Chan('next');
          }
          yield* mine.receive();
          if (!isFixed) election.unlock();
        }
        begun.add(3);
        yield* join(
          go('leader', () => round(true)),
          go('follower 1', () => round(false)),
          go('follower 2', () => round(false)),
        );
      },
    expects: blocked({ follower: "sender to 'next'", leader: "<Mutex 'election'>, held by follower" }),
  }),

  kernel({
    name: 'grpc#1353',
    bug: 'the addresses are sent to the watcher under the lock of the balancer, which the watcher takes for each address that is gone',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const balancer = new Mutex('balancer');
        const addresses = new Chan('addresses', isFixed ? 1 : 0);
        function* watchAddrUpdates(): Go {
          for (let i = 0; i < 3; i++) {
            yield* balancer.lock();
            // The fix: one place, which is emptied before anything new is put in, so that sending does not wait.
            if (isFixed) addresses.tryReceive();
            yield* addresses.send(true);
            balancer.unlock();
          }
          addresses.close();
        }
        function* lbWatcher(): Go {
          for (;;) {
            const { ok } = yield* addresses.receive();
            if (!ok) return;
            yield* balancer.lock();
            balancer.unlock();
          }
        }
        yield* join(go('updates', watchAddrUpdates), go('watcher', lbWatcher));
      },
    expects: blocked({ updates: "receiver of 'addresses'", watcher: "<Mutex 'balancer'>, held by updates" }),
  }),

  kernel({
    name: 'grpc#1460',
    bug: 'the keepalive sleeps under the lock of the client until a stream wakes it, and a new stream wants the lock first',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const client = new Mutex('client');
        const awaken = new Chan('awakenKeepalive', 1);
        const streams: string[] = [];
        function* keepalive(): Go {
          yield* client.lock();
          const isIdle = streams.length === 0;
          if (isFixed) client.unlock(); // the fix
          if (isIdle) yield* awaken.receive();
          if (!isFixed) client.unlock();
        }
        function* newStream(): Go {
          yield* client.lock();
          streams.push('stream');
          awaken.trySend(true);
          client.unlock();
        }
        yield* join(go('keepalive', keepalive), go('stream', newStream));
      },
    expects: blocked({ keepalive: "sender to 'awakenKeepalive'", stream: "<Mutex 'client'>, held by keepalive" }),
  }),

  kernel({
    name: 'cockroach#1055',
    bug: 'a stopper waits under its lock until all workers have ended; a worker that begins wants the lock to be counted',
    shows: null,
    program: (isFixed) =>
      function* () {
        const stopper = new Mutex('stopper');
        const stop = new Chan('stop');
        const drain = new WaitGroup('drain');
        const workers = new WaitGroup('workers');
        let isDraining = false;
        function* work(): Go {
          if (!isDraining) {
            yield* stopper.lock();
            drain.add(1);
            stopper.unlock();
            yield* preempt();
            drain.done();
          }
          yield* stop.receive();
          workers.done();
        }
        function* stopAll(): Go {
          yield* stopper.lock();
          isDraining = true;
          if (isFixed) stopper.unlock(); // the fix
          yield* drain.wait();
          stop.close();
          yield* workers.wait();
          if (!isFixed) stopper.unlock();
        }
        workers.add(2);
        yield* join(go('worker 1', work), go('worker 2', work), go('stop', stopAll));
      },
    expects: blocked({ worker: "<Mutex 'stopper'>, held by stop", stop: "<WaitGroup 'workers'>" }),
  }),

  kernel({
    name: 'cockroach#1462',
    bug: 'who reads the events stops when it is told so; who sends them waits for a reader, and the stopper for the sender',
    shows: null,
    program: (isFixed) =>
      function* () {
        const events = new Chan('events');
        const stopper = new Chan('stopper');
        const workers = new WaitGroup('workers');
        function* send(): Go {
          for (let i = 0; i < 3; i++) {
            const ways = [receiveFrom(stopper), sendTo(events, true)];
            // The fix: it can be told to stop while it sends.
            if (isFixed) {
              if ((yield* select(ways)).at === 0) break;
              continue;
            }
            if ((yield* selectOrDefault(ways.slice(0, 1))) !== null) break;
            yield* events.send(true);
          }
          workers.done();
        }
        function* processUntilStopped(): Go {
          for (;;) {
            const { at } = yield* select([receiveFrom(stopper), receiveFrom(events)]);
            if (at === 0) break;
          }
          workers.done();
        }
        function* stop(): Go {
          yield* preempt();
          stopper.close();
          yield* workers.wait();
        }
        workers.add(2);
        yield* join(go('sender', send), go('reader', processUntilStopped), go('stop', stop));
      },
    expects: blocked({ sender: "receiver of 'events'", stop: "<WaitGroup 'workers'>" }),
  }),

  kernel({
    name: 'istio#16224',
    bug: 'a handler says under the lock that it has been called; the test takes the lock before it listens for that',
    shows: null,
    program: (isFixed) =>
      function* () {
        const test = new Mutex('test');
        const events = new Chan('events');
        const done = new Chan('done');
        function* handle(): Go {
          yield* test.lock();
          if (isFixed) test.unlock(); // the fix
          yield* done.send(true);
          if (!isFixed) test.unlock();
        }
        function* monitor(): Go {
          yield* events.receive();
          yield* handle();
        }
        function* create(): Go {
          yield* events.send(true);
          yield* test.lock();
          test.unlock();
          yield* done.receive();
        }
        yield* join(go('monitor', monitor), go('create', create));
      },
    expects: blocked({ monitor: "receiver of 'done'", create: "<Mutex 'test'>, held by monitor" }),
  }),

  kernel({
    name: 'serving#2137',
    bug: 'a test lets one request after the other go on, and the one that goes on may be the one that has no place yet',
    shows: null,
    program: (isFixed) =>
      function* () {
        const pending = new Chan('pending', 2);
        const active = new Chan('active', 1);
        function* concurrentRequest(lock: Mutex, accepted: Chan<boolean>): Go {
          yield* pending.send(true);
          yield* active.send(true);
          yield* lock.lock();
          lock.unlock();
          yield* active.receive();
          yield* pending.receive();
          yield* accepted.send(true);
        }
        function* unlockAll(): Go {
          const requests = [1, 2].map((n) => ({
            lock: new Mutex(`request ${n}`),
            accepted: new Chan<boolean>(`accepted ${n}`, 1),
          }));
          const goroutines = [];
          for (const [i, { lock, accepted }] of requests.entries()) {
            yield* lock.lock();
            goroutines.push(go(`request ${i + 1}`, () => concurrentRequest(lock, accepted)));
          }
          // The fix: all may go on before the first one is waited for.
          if (isFixed) for (const { lock } of requests) lock.unlock();
          for (const { lock, accepted } of requests) {
            if (!isFixed) lock.unlock();
            yield* accepted.receive();
          }
          yield* join(...goroutines);
        }
        yield* join(go('test', unlockAll));
      },
    expects: blocked({ 'request 1': "receiver of 'active'", 'request 2': "<Mutex 'request 2'>, held by test" }),
  }),

  kernel({
    name: 'kubernetes#11298',
    bug: 'a service waits for a condition in a goroutine of its own; when it is told to end, its signal may come before that goroutine waits, and is lost',
    shows: null,
    program: (isFixed) =>
      function* () {
        const notifier = new Mutex('notifier');
        const changed = new Cond('changed', notifier);
        const abort = new Chan('abort');
        let isOver = false;
        function* waitForChange(waited: Chan): Go {
          yield* notifier.lock();
          // The fix: what the signal tells is remembered, and looked at before the wait.
          if (!isFixed || !isOver) yield* changed.wait();
          notifier.unlock();
          waited.close();
        }
        function* serve(): Go {
          const waited = new Chan('waited');
          go('waiter', () => waitForChange(waited));
          const { at } = yield* select([receiveFrom(abort), receiveFrom(waited)]);
          if (at === 1) return;
          yield* notifier.lock();
          isOver = true;
          changed.signal();
          notifier.unlock();
          yield* waited.receive();
        }
        function* close(): Go {
          yield* preempt();
          abort.close();
        }
        yield* join(go('service', serve), go('closer', close));
      },
    expects: blocked({ waiter: "<Cond 'changed'>", service: "sender to 'waited'" }),
  }),

  kernel({
    name: 'kubernetes#58107',
    bug: 'the workers of two queues wait for work while they read-lock; a writer waits for them, and whoever would bring the work waits behind the writer',
    shows: 53,
    program: (isFixed) =>
      function* () {
        const workers = new RWMutex('workers');
        const queue = new Chan('queue', 1);
        const missingUsage = new Chan('missingUsage', 1);
        function* work(from: Chan, then: Chan | null): Go {
          if (!isFixed) yield* workers.rLock();
          yield* from.receive();
          if (isFixed) yield* workers.rLock(); // the fix: the lock is for the work, not for the wait
          if (then !== null) then.trySend(true);
          workers.rUnlock();
        }
        function* sync(): Go {
          yield* workers.lock();
          workers.unlock();
        }
        queue.trySend(true);
        yield* join(
          go('missing', () => work(missingUsage, null)),
          go('sync', sync),
          go('worker', () => work(queue, missingUsage)),
        );
      },
    expects: blocked({
      missing: "sender to 'missingUsage'",
      sync: "<RWMutex 'workers' for writing>, held by missing",
      worker: "<RWMutex 'workers' for reading>, held by sync",
    }),
  }),

  kernel({
    name: 'istio#17860',
    bug: 'an agent restarts its proxy under the lock and waits there until it lives; the end of the one before, for which it has to be told, needs the lock',
    shows: null,
    program: (isFixed) =>
      function* () {
        const agent = new Mutex('agent');
        const status = new Chan<number>('status');
        const stop = new Chan('stop');
        const epochs = new Set<number>();
        let last = 0;
        function* run(): Go {
          for (;;) {
            const { at, received } = yield* select([receiveFrom(stop), receiveFrom(status)]);
            if (at === 0) return;
            yield* agent.lock();
            epochs.delete(received.value as number);
            agent.unlock();
          }
        }
        function* restart(): Go {
          yield* agent.lock();
          if (isFixed) agent.unlock();
          // Until the proxy lives, at most for a time.
          if (epochs.size > 0) yield* sleep(0.1);
          if (isFixed) yield* agent.lock(); // the fix
          const epoch = ++last;
          epochs.add(epoch);
          agent.unlock();
          go(`proxy ${epoch}`, function* runWait(): Go {
            const ways = [sendTo(status, epoch)];
            yield* select(isFixed ? [...ways, receiveFrom(stop)] : ways); // the fix
          });
        }
        go('agent', run);
        yield* join(go('restart 1', restart), go('restart 2', restart));
        stop.close();
        yield* joinAll();
      },
    expects: blocked({ proxy: "receiver of 'status'" }),
  }),

  kernel({
    name: 'syncthing#5795',
    bug: 'a connection is closed by the handler that its own dispatcher calls, and closing waits for the end of the dispatcher',
    shows: null,
    program: (isFixed) =>
      function* () {
        const inbox = new Chan('inbox');
        const closed = new Chan('closed');
        const stopped = new Chan('dispatcherStopped');
        function* close(): Go {
          closed.close();
          yield* stopped.receive();
        }
        function* dispatch(): Go {
          const { at } = yield* select([receiveFrom(inbox), receiveFrom(closed)]);
          if (at === 0) {
            // The fix: the connection is closed by a goroutine of its own.
            if (isFixed) go('close', close);
            else yield* close();
          }
          stopped.close();
        }
        function* receiveConfig(): Go {
          yield* inbox.send(true);
          yield* stopped.receive();
        }
        yield* join(go('dispatcher', dispatch), go('connection', receiveConfig));
      },
    expects: blocked({ dispatcher: "sender to 'dispatcherStopped'", connection: "sender to 'dispatcherStopped'" }),
  }),

  kernel({
    name: 'moby#29733',
    bug: 'the handlers mark a plugin as active without telling those who wait for it',
    shows: null,
    program: (isFixed) =>
      function* () {
        const plugin = new Mutex('plugin');
        const activated = new Cond('activated', plugin);
        let isActive = false;
        function* waitActive(): Go {
          yield* plugin.lock();
          while (!isActive) yield* activated.wait();
          plugin.unlock();
        }
        function* handle(): Go {
          yield* plugin.lock();
          isActive = true;
          if (isFixed) activated.broadcast(); // the fix
          plugin.unlock();
        }
        yield* join(go('waiter', waitActive), go('handler', handle));
      },
    expects: blocked({ waiter: "<Cond 'activated'>" }),
  }),

  kernel({
    name: 'grpc#3017',
    bug: 'a timer that removes a connection finds that the removal was called off, and returns without unlocking',
    shows: null,
    program: (isFixed) =>
      function* () {
        const cache = new Mutex('subConnCache');
        let isCalledOff = false;
        function* removeLater(): Go {
          yield* cache.lock();
          if (isCalledOff && !isFixed) return; // the fix: it unlocks
          cache.unlock();
        }
        function* removeAndAdd(): Go {
          yield* cache.lock();
          const timer = go('timer', removeLater);
          cache.unlock();
          yield* cache.lock();
          isCalledOff = true;
          cache.unlock();
          yield* cache.lock();
          cache.unlock();
          yield* join(timer);
        }
        yield* join(go('balancer', removeAndAdd));
      },
    expects: blocked({ balancer: "<Mutex 'subConnCache'>" }),
  }),
];
