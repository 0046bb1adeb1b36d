import type { Kernel } from '../../kernel.ts';
import { blocked } from '../../waits.ts';
import { kernel } from './define.ts';
import { Chan, type Go, go, join, joinAll, preempt, receiveFrom, select, sendTo } from './go.ts';

/** Deadlocks and leaks of channels alone: a goroutine that nobody sends to, or receives from, any more. */
export const channels: readonly Kernel[] = [
  kernel({
    name: 'cockroach#2448',
    bug: 'the loop of Raft sends an event while the store, which would take it, sends a callback to that loop',
    shows: null,
    program: (isFixed) =>
      function* () {
        const events = new Chan<'change' | 'other'>('events');
        const callbacks = new Chan('callbacks');
        const stop = new Chan('stop');
        function* processRaft(): Go {
          for (;;) {
            const { at, received } = yield* select([receiveFrom(stop), receiveFrom(events)]);
            if (at === 0) return;
            if (received.value !== 'change') continue;
            yield* select([sendTo(callbacks, true), receiveFrom(stop)]);
          }
        }
        function* loop(): Go {
          let isCalled = false;
          for (const event of ['change', 'other'] as const) {
            // The fix: callbacks are taken while an event is sent.
            const { at } = yield* select([...(isFixed ? [receiveFrom(callbacks)] : []), sendTo(events, event)]);
            if (isFixed && at === 0) isCalled = true;
          }
          if (!isCalled) yield* callbacks.receive();
          stop.close();
        }
        yield* join(go('store', processRaft), go('raft', loop));
      },
    expects: blocked({ store: "receiver of 'callbacks'", raft: "receiver of 'events'" }),
  }),

  kernel({
    name: 'etcd#6857',
    bug: 'the status is asked of a node that has stopped meanwhile',
    shows: 19,
    program: (isFixed) =>
      function* () {
        const status = new Chan<Chan>('status');
        const stop = new Chan('stop');
        const done = new Chan('done');
        function* run(): Go {
          for (;;) {
            const { at, received } = yield* select([receiveFrom(status), receiveFrom(stop)]);
            if (at === 1) break;
            yield* (received.value as Chan).send(true);
          }
          done.close();
        }
        function* askStatus(): Go {
          const reply = new Chan('reply');
          const ways = [sendTo(status, reply)];
          // The fix: the end of the node is an answer as well.
          const { at } = yield* select(isFixed ? [...ways, receiveFrom(done)] : ways);
          if (at === 0) yield* reply.receive();
        }
        function* stopNode(): Go {
          const { at } = yield* select([sendTo(stop, true), receiveFrom(done)]);
          if (at === 0) yield* done.receive();
        }
        yield* join(go('node', run), go('asker', askStatus), go('stopper', stopNode));
      },
    expects: blocked({ asker: "receiver of 'status'" }),
  }),

  kernel({
    name: 'moby#33781',
    bug: 'a probe sends its result to a monitor that has been stopped',
    shows: 25,
    program: (isFixed) =>
      function* () {
        const stop = new Chan('stop');
        function* monitor(): Go {
          for (let i = 0; i < 2; i++) {
            const results = new Chan('results', isFixed ? 1 : 0); // the fix: a place for a result that nobody reads
            go('probe', () => results.send(true));
            const { at } = yield* select([receiveFrom(stop), receiveFrom(results)]);
            if (at === 0) return;
          }
          yield* stop.receive();
        }
        yield* join(
          go('monitor', monitor),
          go('daemon', () => stop.send(true)),
        );
        yield* joinAll();
      },
    expects: blocked({ probe: "receiver of 'results'" }),
  }),

  kernel({
    name: 'cockroach#10790',
    bug: 'commands that are cancelled leave a goroutine that drains their channels, though the sender may have been cancelled as well',
    shows: 28,
    program: (isFixed) =>
      function* () {
        const channels = [new Chan('first', isFixed ? 1 : 0), new Chan('second', isFixed ? 1 : 0)];
        const cancelled = new Chan('cancelled');
        function* sendChans(): Go {
          for (const channel of channels) {
            const { at } = yield* select([sendTo(channel, true), receiveFrom(cancelled)]);
            if (at === 1) return;
          }
        }
        function* drain(): Go {
          for (const channel of channels) yield* channel.receive();
        }
        function* beginCmds(): Go {
          for (const channel of channels) {
            const { at } = yield* select([receiveFrom(channel), receiveFrom(cancelled)]);
            if (at === 0) continue;
            // The fix: the channels have a place for what nobody takes.
            if (!isFixed) go('drain', drain);
            return;
          }
        }
        function* cancel(): Go {
          yield* preempt();
          cancelled.close();
        }
        yield* join(go('sender', sendChans), go('commands', beginCmds), go('cancel', cancel));
        yield* joinAll();
      },
    expects: blocked({ drain: 'sender to' }),
  }),

  kernel({
    name: 'cockroach#18101',
    bug: 'the reader of a channel returns when it is cancelled, and its sender does not know of that',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const ready = new Chan('readyForImport', 2);
        const cancelled = new Chan('cancelled');
        function* splitAndScatter(): Go {
          for (let i = 0; i < 4; i++) {
            const ways = [sendTo(ready, true)];
            const { at } = yield* select(isFixed ? [...ways, receiveFrom(cancelled)] : ways); // the fix
            if (at === 1) return;
          }
          ready.close();
        }
        function* restore(): Go {
          for (;;) {
            const { at, received } = yield* select([receiveFrom(cancelled), receiveFrom(ready)]);
            if (at === 0 || !received.ok) return;
          }
        }
        function* cancel(): Go {
          yield* preempt();
          cancelled.close();
        }
        go('splitter', splitAndScatter);
        yield* join(go('restore', restore), go('cancel', cancel));
        yield* joinAll();
      },
    expects: blocked({ splitter: "receiver of 'readyForImport'" }),
  }),

  kernel({
    name: 'kubernetes#5316',
    bug: 'a request that takes too long sends its result to a caller who has gone',
    shows: 100,
    program: (isFixed) =>
      function* () {
        const result = new Chan('result', isFixed ? 1 : 0); // the fix
        const tooLate = new Chan('tooLate');
        function* request(): Go {
          yield* preempt();
          yield* result.send(true);
        }
        function* timer(): Go {
          yield* preempt();
          tooLate.close();
        }
        go('request', request);
        go('timer', timer);
        yield* select([receiveFrom(result), receiveFrom(tooLate)]);
        yield* joinAll();
      },
    expects: blocked({ request: "receiver of 'result'" }),
  }),

  kernel({
    name: 'kubernetes#38669',
    bug: 'the first events are sent to a watcher that was stopped before anybody has read them',
    shows: null,
    program: (isFixed) =>
      function* () {
        const input = new Chan('input');
        const result = new Chan('result', isFixed ? 2 : 0); // the fix: a place for each of the first events
        let isStopped = false;
        function* process(): Go {
          for (let i = 0; i < 2; i++) yield* result.send(true);
          yield* input.receive();
          result.close();
        }
        const watcher = go('watcher', process);
        yield* preempt();
        if (!isStopped) {
          isStopped = true;
          input.close();
        }
        yield* join(watcher);
      },
    expects: blocked({ watcher: "receiver of 'result'" }),
  }),

  kernel({
    name: 'cockroach#24808',
    bug: 'a compactor is told to start through a channel that is full, by the goroutine that would start to empty it afterwards',
    shows: null,
    program: (isFixed) =>
      function* () {
        const wanted = new Chan('wanted', 1);
        const stop = new Chan('stop');
        function* compact(): Go {
          for (;;) {
            const { at } = yield* select([receiveFrom(stop), receiveFrom(wanted)]);
            if (at === 0) return;
          }
        }
        function* start(): Go {
          // The fix: it is enough that one order is there.
          if (isFixed) wanted.trySend(true);
          else yield* wanted.send(true);
          go('compactor', compact);
        }
        wanted.trySend(true);
        yield* join(go('starter', start));
        stop.close();
      },
    expects: blocked({ starter: "receiver of 'wanted'" }),
  }),

  kernel({
    name: 'istio#18454',
    bug: 'changes are sent to the loop of a strategy through a channel that is full; the loop has been stopped by the one who sends',
    shows: null,
    program: (isFixed) =>
      function* () {
        const reset = new Chan('reset', 1);
        const stop = new Chan('stop');
        function* eventLoop(): Go {
          for (;;) {
            const { at } = yield* select([receiveFrom(stop), receiveFrom(reset)]);
            if (at === 0) return;
          }
        }
        function* processEvents(): Go {
          for (let i = 0; i < 4; i++) {
            const ways = [sendTo(reset, true)];
            const { at } = yield* select(isFixed ? [...ways, receiveFrom(stop)] : ways); // the fix
            if (at === 1) return;
          }
        }
        function* close(): Go {
          yield* preempt();
          stop.close();
        }
        yield* join(go('loop', eventLoop), go('processor', processEvents), go('close', close));
      },
    expects: blocked({ processor: "receiver of 'reset'" }),
  }),
];
