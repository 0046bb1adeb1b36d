import { Lock, Queue, Semaphore } from '../../index.ts';
import { titleOf, type WaitQueue, watchPrimitives } from '../../kernel/lowlevel.ts';

/** What was found of one primitive at the end of a run. */
interface State {
  readonly kind: string;
  /** What is held of it, in words; `null` when nothing is. */
  readonly held: string | null;
  /** Whether that may be so on purpose. */
  readonly isFree: boolean;
  /** Whether it is held only if the program is one that reports with `taskDone()`: the run was not complete. */
  readonly isDoubtful: boolean;
  /** Whether items of it have been reported with `taskDone()`. */
  readonly isReported: boolean;
}

/**
 * Knows the primitives that a program uses, from `open()` to `close()`, and what of them is held when it has ended. Only those that are made
 * meanwhile, or that tasks have to wait for.
 */
export class HeldPrimitives {
  readonly #queues = new Set<WaitQueue>();
  readonly #units = new Map<Semaphore, number>();
  /** The most unfinished items that were seen of a queue. */
  readonly #most = new Map<Queue<unknown>, number>();
  #before: ReturnType<typeof watchPrimitives> = null;

  open(): void {
    this.#before = watchPrimitives((queue) => {
      if (this.#queues.has(queue)) return;
      this.#queues.add(queue);
      const { object } = queue;
      if (object instanceof Semaphore && queue.size === 0 && !this.#units.has(object)) {
        this.#units.set(object, object.value);
      }
    });
  }

  close(): void {
    watchPrimitives(this.#before);
  }

  /** Looks how much is unfinished in the queues: where that becomes less, items are reported with `taskDone()`. */
  look(): void {
    for (const { object } of this.#queues) {
      if (!(object instanceof Queue)) continue;
      this.#most.set(object, Math.max(this.#most.get(object) ?? 0, object.unfinished));
    }
  }

  /**
   * @param isComplete whether the main function has returned, so that all work is to be done
   */
  states(isComplete: boolean): State[] {
    const known = new Set<object>();
    const states: State[] = [];
    for (const queue of this.#queues) {
      const { object, operation, size } = queue;
      const kind = `${object.constructor.name}.${operation}`;
      const isFree = object instanceof Semaphore && object.isCounter;
      if (size > 0) {
        states.push({
          kind,
          held: `${object}: ${size === 1 ? 'a task that is' : `${size} tasks that are`} gone still wait in it`,
          isFree: false,
          isDoubtful: false,
          isReported: false,
        });
        continue;
      }
      const isKnown = known.has(object);
      known.add(object);
      states.push({
        kind,
        held: isKnown ? null : this.#heldOf(object, isComplete),
        isFree,
        isDoubtful: object instanceof Queue && !isComplete,
        isReported: object instanceof Queue && object.unfinished < (this.#most.get(object) ?? 0),
      });
    }
    return states;
  }

  #heldOf(object: object, isComplete: boolean): string | null {
    if (object instanceof Lock) {
      if (!object.locked()) return null;
      const by = object.holder === null ? '' : ` by ${titleOf(object.holder)}, which has ended`;
      return `${object} is still held${by}: acquire it with \`using\`, with(), or release it in a finally`;
    }
    if (object instanceof Semaphore) return this.#heldUnits(object);
    if (object instanceof Queue) {
      const { unfinished, size, isShutDown } = object.statistics();
      const taken = unfinished - size;
      // Of a queue that is shut down as the program is cancelled, nobody waits for more.
      if (taken <= 0 || (isShutDown && !isComplete)) return null;
      const items = taken === 1 ? 'an item was' : `${taken} items were`;
      const why = isComplete ? ', though the program has returned' : ': call it in a finally, or join() waits for ever';
      return `${object}: ${items} taken and never reported with taskDone()${why}`;
    }
    return null;
  }

  #heldUnits(semaphore: Semaphore): string | null {
    const { holders, value } = semaphore.statistics();
    if (holders.length > 0) {
      const by = holders.map(titleOf).join(', ');
      return `${semaphore} has units that were taken by ${by} and not given back: acquire it with \`using\`, with(), or release it in a finally`;
    }
    const units = this.#units.get(semaphore);
    if (units === undefined || value >= units) return null;
    return `${semaphore} has ${value} units left of ${units}, and nobody holds the others`;
  }
}

/** What is held after a run and was not after the undisturbed one. */
export function newlyHeld(states: readonly State[], undisturbed: readonly State[]): string[] {
  return states.flatMap(({ kind, held, isFree, isDoubtful }, i) => {
    if (held === null || isFree) return [];
    const before = undisturbed[i];
    if (isDoubtful && before?.isReported !== true) return [];
    // What the program leaves so on purpose: a semaphore that counts events, a queue whose items nobody reports.
    if (before?.kind === kind && (before.held !== null || before.isFree)) return [];
    return [held];
  });
}

export type { State as PrimitiveState };
