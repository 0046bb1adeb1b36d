import { recordPlaces as record } from '../kernel/lowlevel.ts';

/**
 * From now on, the place and the stack of each wait are kept, so that call graphs, wait-for graphs and `task.why()` tell lines. It is what
 * debug mode does, without the rest of debug mode. Tasks that wait already are not told of.
 *
 * It costs a few microseconds for each wait (`docs/decisions/0036-the-call-graph.md`): leave it off where a program waits a hundred thousand
 * times a second, and switch it on when something is wrong.
 *
 * @returns what ends it
 * @example
 * const stop = recordPlaces();
 * const task = createTask(() => sleep(1));
 * await sleep(0);
 * console.log(formatCallGraph(task));
 * stop();
 */
export function recordPlaces(): () => void {
  let isOn = true;
  record(true);
  return () => {
    if (isOn) record(false);
    isOn = false;
  };
}
