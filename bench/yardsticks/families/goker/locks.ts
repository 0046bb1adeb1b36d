import type { Kernel } from '../../kernel.ts';
import { cycle, twoOf } from '../../waits.ts';
import { kernel } from './define.ts';
import { type Go, go, join, Mutex, preempt, RWMutex } from './go.ts';

/** Deadlocks of mutexes alone: a lock that is taken twice, and locks that are taken in different orders. */
export const locks: readonly Kernel[] = [
  kernel({
    name: 'cockroach#16167',
    bug: 'a statement read-locks the system configuration, and once more deep inside; a writer that comes between waits for the first, and the second for the writer',
    shows: 1,
    program: (isFixed) =>
      function* () {
        const config = new RWMutex('systemConfig');
        function* getDatabaseCache(): Go {
          yield* config.rLock();
          config.rUnlock();
        }
        function* execParsed(): Go {
          yield* config.rLock();
          // The fix: the cache was read before, under the same lock.
          if (!isFixed) yield* getDatabaseCache();
          config.rUnlock();
        }
        function* updateSystemConfig(): Go {
          yield* config.lock();
          yield* preempt();
          config.unlock();
        }
        yield* join(go('executor', execParsed), go('updater', updateSystemConfig));
      },
    expects: cycle('executor', 'updater'),
  }),

  kernel({
    name: 'cockroach#7504',
    bug: 'a lookup locks the cache of names and then the lease, a release the lease and then the cache',
    shows: 1,
    program: (isFixed) =>
      function* () {
        const table = new Mutex('table');
        const lease = new Mutex('lease');
        const names = new Mutex('names');
        const cached = new Set(['lease']);
        function* acquireByName(): Go {
          yield* names.lock();
          const isThere = cached.has('lease');
          // The fix: the lease is looked at when the cache has been left.
          if (isFixed) names.unlock();
          if (isThere) {
            yield* lease.lock();
            lease.unlock();
          }
          if (!isFixed) names.unlock();
        }
        function* release(): Go {
          yield* table.lock();
          yield* lease.lock();
          yield* names.lock();
          cached.delete('lease');
          names.unlock();
          lease.unlock();
          table.unlock();
        }
        yield* join(go('lookup', acquireByName), go('release', release));
      },
    expects: cycle('lookup', 'release'),
  }),

  kernel({
    name: 'cockroach#3710',
    bug: 'a scan read-locks the store and for each replica the queue, which read-locks the store again; the loop of Raft locks the store for writing',
    shows: 2,
    program: (isFixed) =>
      function* () {
        const store = new RWMutex('store');
        const queue = new Mutex('queue');
        const replicas = ['r1', 'r2'];
        function* maybeAdd(): Go {
          yield* queue.lock();
          yield* store.rLock(); // the status of Raft
          store.rUnlock();
          queue.unlock();
        }
        function* scan(): Go {
          yield* store.rLock();
          const all = [...replicas];
          // The fix: the replicas are listed under the lock, and visited without it.
          if (isFixed) store.rUnlock();
          for (const _ of all) yield* maybeAdd();
          if (!isFixed) store.rUnlock();
        }
        function* processRaft(): Go {
          yield* store.lock();
          yield* preempt();
          store.unlock();
        }
        yield* join(go('scan', scan), go('raft', processRaft));
      },
    expects: cycle('scan', 'raft'),
  }),

  kernel({
    name: 'cockroach#10214',
    bug: 'heartbeats are sent under the lock of the queue and lock the replica; a tick locks the replica and then the queue',
    shows: 3,
    program: (isFixed) =>
      function* () {
        const coalesced = new Mutex('coalesced');
        const raft = new Mutex('raft');
        const replica = new Mutex('replica');
        function* reportUnreachable(): Go {
          yield* raft.lock();
          yield* preempt();
          raft.unlock();
        }
        function* sendQueuedHeartbeats(): Go {
          yield* coalesced.lock();
          const heartbeats = [1, 2];
          // The fix: what is queued is taken out under the lock, and sent without it.
          if (isFixed) coalesced.unlock();
          for (const _ of heartbeats) yield* reportUnreachable();
          if (!isFixed) coalesced.unlock();
        }
        function* tick(): Go {
          yield* raft.lock();
          yield* replica.lock();
          for (let i = 0; i < 2; i++) {
            yield* coalesced.lock();
            coalesced.unlock();
          }
          replica.unlock();
          raft.unlock();
        }
        yield* join(go('sender', sendQueuedHeartbeats), go('ticker', tick));
      },
    expects: cycle('sender', 'ticker'),
  }),

  kernel({
    name: 'kubernetes#62464',
    bug: 'the state is read-locked by a function that calls another one which read-locks it as well, while a container is removed',
    shows: 8,
    program: (isFixed) =>
      function* () {
        const state = new RWMutex('state');
        function* getCPUSet(): Go {
          yield* state.rLock();
          state.rUnlock();
        }
        function* reconcile(): Go {
          if (isFixed) {
            yield* getCPUSet(); // the fix: only the inner functions lock
            yield* getCPUSet();
            return;
          }
          yield* state.rLock();
          yield* getCPUSet();
          state.rUnlock();
        }
        function* removeContainer(): Go {
          yield* getCPUSet();
          yield* state.lock();
          yield* preempt();
          state.unlock();
        }
        yield* join(go('reconciler', reconcile), go('remover', removeContainer));
      },
    expects: cycle('reconciler', 'remover'),
  }),

  kernel({
    name: 'cockroach#6181',
    bug: 'a lookup describes the cache while it read-locks it, and the description read-locks it again; the lookups write to it as well',
    shows: 57,
    program: (isFixed) =>
      function* () {
        const cache = new RWMutex('rangeCache');
        function* describe(): Go {
          yield* cache.rLock();
          cache.rUnlock();
        }
        function* lookup(): Go {
          yield* cache.rLock();
          if (!isFixed) yield* describe(); // the fix: a description that takes for granted that it is locked
          cache.rUnlock();
          yield* cache.lock();
          cache.unlock();
        }
        yield* join(go('lookup 1', lookup), go('lookup 2', lookup), go('lookup 3', lookup));
      },
    expects: twoOf('lookup 1', 'lookup 2', 'lookup 3'),
  }),

  kernel({
    name: 'hugo#3251',
    bug: 'the lock of an address is taken under the lock of the table of such locks, which has to be taken to give it back',
    shows: null,
    program: (isFixed) =>
      function* () {
        const table = new RWMutex('table');
        const address = new Mutex('address');
        function* getRemote(): Go {
          yield* table.lock();
          // The fix: the table is left before the address is locked.
          if (isFixed) table.unlock();
          yield* address.lock();
          if (!isFixed) table.unlock();
          yield* preempt();
          yield* table.rLock();
          address.unlock();
          table.rUnlock();
        }
        yield* join(go('page 1', getRemote), go('page 2', getRemote));
      },
    expects: twoOf('page 1', 'page 2'),
  }),

  kernel({
    name: 'moby#4951',
    bug: 'a device is deleted under the locks of all devices and of itself; the first is given up for a while, and whoever takes it then wants the second',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const devices = new Mutex('devices');
        const info = new Mutex('info');
        function* deleteDevice(): Go {
          // The fix: the lock of the device comes first.
          const order = isFixed ? [info, devices] : [devices, info];
          for (const lock of order) yield* lock.lock();
          devices.unlock();
          yield* preempt(); // until the device is gone
          yield* devices.lock();
          info.unlock();
          devices.unlock();
        }
        yield* join(go('delete 1', deleteDevice), go('delete 2', deleteDevice));
      },
    expects: twoOf('delete 1', 'delete 2'),
  }),

  kernel({
    name: 'kubernetes#30872',
    bug: 'an informer asks under its lock whether the queue is synchronised, which locks the queue; a pop calls the informer under the lock of the queue',
    shows: null,
    program: (isFixed) =>
      function* () {
        const informer = new Mutex('informer');
        const fifo = new Mutex('fifo');
        function* clustersSynced(): Go {
          yield* informer.lock();
          // The fix: the informer is left before the controllers are asked.
          if (isFixed) informer.unlock();
          yield* fifo.lock();
          fifo.unlock();
          if (!isFixed) informer.unlock();
        }
        function* pop(): Go {
          yield* fifo.lock();
          yield* informer.lock(); // a cluster is added
          informer.unlock();
          fifo.unlock();
        }
        yield* join(go('reconciler', clustersSynced), go('controller', pop));
      },
    expects: cycle('reconciler', 'controller'),
  }),

  kernel({
    name: 'kubernetes#13135',
    bug: 'the cacher keeps its lock until the first list has come, and the list is stored under the lock of the cache; an event locks the cache and then the cacher',
    shows: 93,
    program: (isFixed) =>
      function* () {
        const cacher = new Mutex('cacher');
        const cache = new Mutex('watchCache');
        function* startCaching(): Go {
          for (let round = 0; round < 2; round++) {
            // The fix: the lock is taken for the moment in which the state of the cacher changes.
            if (!isFixed) yield* cacher.lock();
            yield* cache.lock();
            if (isFixed) {
              cache.unlock();
              yield* cacher.lock();
            }
            cacher.unlock();
            if (!isFixed) cache.unlock();
          }
        }
        function* addEvent(): Go {
          yield* cache.lock();
          yield* cacher.lock();
          cacher.unlock();
          cache.unlock();
        }
        yield* join(go('caching', startCaching), go('event', addEvent));
      },
    expects: cycle('caching', 'event'),
  }),

  kernel({
    name: 'grpc#795',
    bug: 'a server that is stopped for the second time locks its mutex again, where it should unlock it',
    shows: null,
    program: (isFixed) =>
      function* () {
        const server = new Mutex('server');
        let drains = false;
        function* gracefulStop(): Go {
          yield* server.lock();
          if (drains) {
            if (!isFixed) yield* server.lock();
            server.unlock();
            return;
          }
          drains = true;
          server.unlock();
        }
        function* serve(): Go {
          yield* server.lock();
          server.unlock();
        }
        function* stopThrice(): Go {
          for (let i = 0; i < 3; i++) yield* gracefulStop();
        }
        yield* join(go('serve', serve), go('stop', stopThrice));
      },
    expects: cycle('stop'),
  }),

  kernel({
    name: 'cockroach#9935',
    bug: 'the log writes an error of its own while it holds its lock, which locks it again',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const log = new Mutex('log');
        function* exit(): Go {
          yield* log.lock();
          log.unlock();
        }
        function* outputLogEntry(): Go {
          yield* log.lock();
          if (isFixed) log.unlock(); // the fix
          yield* exit();
          if (!isFixed) log.unlock();
        }
        yield* join(go('log', outputLogEntry));
      },
    expects: cycle('log'),
  }),

  kernel({
    name: 'etcd#6708',
    bug: 'endpoints are set under the lock of the client and ask for the leader, with a request that read-locks the client',
    shows: null,
    program: (isFixed) =>
      function* () {
        const client = new RWMutex('client');
        function* request(): Go {
          yield* client.rLock();
          client.rUnlock();
        }
        function* sync(): Go {
          if (isFixed) yield* request(); // the fix: the leader is found before the lock is taken
          yield* client.lock();
          if (!isFixed) yield* request();
          client.unlock();
        }
        yield* join(go('sync', sync));
      },
    expects: cycle('sync'),
  }),

  kernel({
    name: 'etcd#10492',
    bug: 'a lease is renewed under the lock of the lessor, and the checkpoint that this calls locks it as well',
    shows: null,
    program: (isFixed) =>
      function* () {
        const lessor = new Mutex('lessor');
        function* checkpoint(): Go {
          yield* lessor.lock();
          lessor.unlock();
        }
        function* renew(): Go {
          yield* lessor.lock();
          if (isFixed) lessor.unlock(); // the fix
          yield* checkpoint();
          if (!isFixed) lessor.unlock();
        }
        yield* join(go('renew', renew));
      },
    expects: cycle('renew'),
  }),

  kernel({
    name: 'moby#36114',
    bug: 'disks are added under the lock of the virtual machine, and those that are left over removed by a function that locks it again',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const machine = new Mutex('serviceVM');
        function* hotRemove(isLocked: boolean): Go {
          if (!isLocked) yield* machine.lock();
          yield* preempt();
          if (!isLocked) machine.unlock();
        }
        function* hotAdd(): Go {
          yield* machine.lock();
          yield* hotRemove(isFixed); // the fix: a form for callers that hold the lock
          machine.unlock();
        }
        yield* join(go('start', hotAdd));
      },
    expects: cycle('start'),
  }),

  kernel({
    name: 'syncthing#4829',
    bug: 'addresses are cleared under the lock of the mapping, and the listeners told by a function that read-locks it',
    shows: null,
    program: (isFixed) =>
      function* () {
        const service = new RWMutex('service');
        const mapping = new RWMutex('mapping');
        function* notify(): Go {
          yield* mapping.rLock();
          mapping.rUnlock();
        }
        function* removeMapping(): Go {
          yield* service.lock();
          yield* mapping.lock();
          if (isFixed) mapping.unlock(); // the fix
          yield* notify();
          if (!isFixed) mapping.unlock();
          service.unlock();
        }
        yield* join(go('remove', removeMapping));
      },
    expects: cycle('remove'),
  }),

  kernel({
    name: 'cockroach#584',
    bug: 'the bootstrap of the gossip leaves its loop without unlocking, so that the manager waits forever',
    shows: null,
    program: (isFixed) =>
      function* () {
        const gossip = new Mutex('gossip');
        const isClosed = true;
        function* untilClosed(): Go {
          for (;;) {
            yield* gossip.lock();
            if (isClosed) break;
            gossip.unlock();
          }
          if (isFixed) gossip.unlock(); // the fix
        }
        function* bootstrapAndManage(): Go {
          yield* untilClosed();
          yield* untilClosed();
        }
        yield* join(go('gossip', bootstrapAndManage));
      },
    expects: cycle('gossip'),
  }),
];
