// The only place that knows details of the library's API which its public types leave open. Override with --adapter.
const drainMicrotasks = new Function('return %PerformMicrotaskCheckpoint()');     // node --allow-natives-syntax
export default {
  drainMicrotasks,
  // Host given to `new EventLoop({ host })`. ctl.now() = clock, ctl.wake(delaySeconds | null, turn?) = the loop asks to be woken
  makeHost: (ctl) => ({
    time: () => ctl.now(), resolution: 1e-9,
    soon: (turn) => ctl.wake(0, turn),
    at: (when, turn) => ctl.wake(when === null ? null : Math.max(0, when - ctl.now()), turn),
    ref() {}, unref() {},
  }),
  // seconds until the loop wants to run again: 0 = at once, null = never (idle)
  delay: (_loop, st) => st.delay,
  // one iteration, including end-of-run bookkeeping when the loop is running
  tick: (loop, st) => { st.delay = null; loop.runOnce(); },
  newExceptionGroup: (lib, msg, errs) => new lib.ExceptionGroup(msg, errs),
  cancelArgs: (e) => e.args ?? (e.message ? [e.message] : []),
  installLogger(lib, fn) {
    if (lib.logger) for (const k of ['error', 'warning', 'debug', 'info']) lib.logger[k] = (msg, err) => fn(k, String(msg), err);
    else { console.error = (m, ...r) => fn('error', String(m), r.find((x) => x instanceof Error)); console.warn = (m) => fn('warning', String(m)); }
  },
};
