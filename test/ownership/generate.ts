/** Random programs. The same seed gives the same program. */
import type { Body, How, Limited, Outside, Program, Step, Then, Ticks, Wait } from './program.ts';

/** A small generator of pseudo-random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from 0 up to, and without, a limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** One of the names, each as often as its weight says. */
  weighted<K extends string>(weights: Partial<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      at -= weight;
      if (at < 0) return name;
    }
    return entries.at(-1)![0];
  }
}

/** Waits that often end by an error. */
const RISKY: ReadonlySet<string> = new Set([
  'timeout',
  'waitFor',
  'group',
  'join',
  'gather',
  'together',
  'future',
  'held',
  'memo',
]);

/** How long main sleeps at its end. */
export const TAIL: Ticks = 100_000;

/** What a function may do at its place. */
interface Place {
  readonly depth: number;
  /** Inside the body of a task group. */
  readonly inGroup: boolean;
  /** Code that the runtime calls. */
  readonly isOutside: boolean;
  /** What awaits each other in a circle never ends, and what calls itself neither. */
  readonly inMemo: boolean;
  readonly inListener: boolean;
  /** A function with variable names that differ from those of its caller. */
  readonly mayset: boolean;
}

const WAITS = {
  sleep: 10,
  turn: 2,
  foreign: 8,
  signalled: 1,
  wrapped: 1.5,
  future: 2,
  call: 3,
  memo: 1,
  join: 2,
  joinThen: 0.4,
  held: 1.2,
  together: 7,
  timeout: 7,
  waitFor: 2,
  group: 3,
  shield: 1,
  shieldTask: 0.7,
  gather: 1.5,
} as const;

const ACTIONS = {
  try: 7,
  throw: 0.8,
  return: 0.2,
  set: 1.5,
  spawn: 3,
  child: 4,
  cancelGroup: 0.6,
  float: 1.5,
  hold: 1.2,
  cancel: 2,
  cancelSelf: 0.5,
  uncancel: 0.3,
  timer: 1.5,
  bound: 0.5,
  thenForeign: 0.7,
  thenTask: 0.5,
  listen: 0.6,
  emit: 0.8,
  setVariable: 1.5,
  getVariable: 2,
  cancelling: 2,
  who: 0.7,
  throwIfAborted: 0.4,
} as const;

export function generate(seed: number, hasTail = false): Program {
  const { main, outside } = new Generator(seed).program();
  // Most programs end when all is over; in the others run() finds lines and tasks that it has to end.
  if (!hasTail && seed % 3 === 0) return { main, outside };
  return { main: { ...main, steps: [...main.steps, { op: 'sleep', ticks: TAIL }] }, outside };
}

class Generator {
  readonly #random: Random;
  readonly #used = new Set<Ticks>();
  readonly #weights: Record<string, number>;
  #bodies = 0;
  #names = 0;
  #left: number;
  readonly #tasks = ['main'];
  /** Tasks whose functions are complete: they cannot wait for what comes later. */
  readonly #joinable: string[] = [];
  readonly #held: string[] = [];
  readonly #events: string[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#left = 5 + this.#random.below(this.#random.pick([8, 20, 40]));
    // Each program has favourites, so that rare things meet.
    this.#weights = {};
    for (const [op, weight] of Object.entries({ ...WAITS, ...ACTIONS }))
      this.#weights[op] = weight * this.#random.pick([0.3, 1, 1, 1, 3]);
  }

  program(): Program {
    const random = this.#random;
    const main = this.#body(
      { depth: 0, inGroup: false, isOutside: false, inMemo: false, inListener: false, mayset: true },
      5,
    );
    const outside: Outside[] = [];
    const count = random.pick([0, 1, 1, 1, 2, 2, 3]);
    for (let i = 0; i < count; i++) outside.push({ at: this.#ticks(), cancel: random.pick(this.#tasks) });
    return { main, outside };
  }

  /** A time that nothing else in the program has, or few things meet at one time. */
  #ticks(): Ticks {
    const range = this.#random.pick([60, 300, 300, 1_500]);
    for (;;) {
      const ticks = 1 + this.#random.below(range);
      if (this.#used.has(ticks) && this.#used.size < range) continue;
      this.#used.add(ticks);
      return ticks;
    }
  }

  #body(place: Place, most: number): Body {
    const id = ++this.#bodies;
    const steps: Step[] = [];
    const count = 1 + this.#random.below(most);
    if (place.isOutside) steps.push({ op: 'who' }); // the first contact with the library tells it (R6)
    for (let i = 0; i < count; i++) {
      if (this.#left <= 0 && i > 0) break;
      if (place.depth < 4 && !place.isOutside && this.#random.chance(0.12)) steps.push(...this.#pattern(place));
      else steps.push(this.#step(place));
    }
    return { id, steps };
  }

  #inner(place: Place, change: Partial<Place> = {}, most = 3): Body {
    return this.#body({ ...place, ...change, depth: place.depth + 1 }, most);
  }

  #step(place: Place): Step {
    this.#left--;
    const random = this.#random;
    if (random.chance(0.55)) {
      const wait = this.#wait(place);
      return RISKY.has(wait.op) && random.chance(0.6) ? this.#guarded(wait, place) : wait;
    }
    const weights: Record<string, number> = {};
    for (const op of Object.keys(ACTIONS)) weights[op] = this.#weights[op]!;
    if (!place.inGroup) {
      weights['child'] = 0;
      weights['cancelGroup'] = 0;
    }
    if (place.isOutside)
      for (const op of ['cancelSelf', 'uncancel', 'throwIfAborted', 'cancelling', 'bound', 'thenForeign'])
        weights[op] = 0;
    if (!place.mayset) weights['setVariable'] = 0;
    if (this.#events.length === 0 || place.inListener) weights['emit'] = 0;
    if (this.#joinable.length === 0) weights['thenTask'] = 0;
    if (place.depth > 4)
      for (const op of ['timer', 'spawn', 'float', 'try', 'child', 'listen', 'thenForeign']) weights[op] = 0;
    const op = random.weighted(weights) as keyof typeof ACTIONS;
    switch (op) {
      case 'try': {
        const hasCaught = random.chance(0.7);
        const then = random.weighted<Then>({ goOn: 2, rethrow: 5, disguise: 0.7 });
        return {
          op,
          body: this.#inner(place),
          caught: hasCaught ? this.#maybeEmpty(place) : null,
          then,
          last: !hasCaught || random.chance(0.3) ? this.#inner(place, {}, 2) : null,
        };
      }
      case 'set':
        return { op, name: this.#futureName() };
      case 'spawn': {
        const name = this.#taskName();
        const body = this.#inner(place, { inGroup: false, isOutside: false, mayset: true });
        this.#joinable.push(name);
        return { op, name, body };
      }
      case 'child': {
        const name = this.#taskName();
        const body = this.#inner(place, { isOutside: false, mayset: true });
        this.#joinable.push(name);
        return { op, name, body };
      }
      case 'float':
      case 'thenTask':
        if (op === 'thenTask')
          return { op, name: random.pick(this.#joinable), body: this.#inner(place, { mayset: false }) };
        return { op, body: this.#inner(place, { mayset: random.chance(0.2) }) };
      case 'hold': {
        const name = `p${++this.#names}`;
        const body = this.#inner(place, { mayset: random.chance(0.2) });
        this.#held.push(name);
        return { op, name, body };
      }
      case 'cancel':
        return { op, name: random.pick(this.#tasks) };
      case 'timer':
        return {
          op,
          ticks: this.#ticks(),
          body: this.#inner(place, { isOutside: true, inGroup: false, mayset: true }),
        };
      case 'bound':
      case 'thenForeign':
        return { op, ticks: this.#ticks(), body: this.#inner(place, { mayset: false }) };
      case 'listen': {
        const name = `e${this.#random.below(2)}`;
        // The code that emits may be outside: what needs a task of its own is left out.
        const body = this.#inner(place, { isOutside: true, inGroup: false, inListener: true, mayset: false });
        this.#events.push(name);
        return { op, name, body };
      }
      case 'emit':
        return { op, name: random.pick(this.#events) };
      case 'setVariable':
        return { op, value: String.fromCharCode(97 + random.below(26)) };
      default:
        return { op };
    }
  }

  /** Shapes in which ownership matters, and which do not often come about by chance. */
  #pattern(place: Place): Step[] {
    const random = this.#random;
    const sleep = (): Wait => ({ op: 'sleep', ticks: this.#ticks() });
    const foreign = (): Wait => ({ op: 'foreign', ticks: this.#ticks() });
    const body = (...steps: Step[]): Body => ({ id: ++this.#bodies, steps });
    const call = (...steps: Step[]): Wait => ({ op: 'call', body: body(...steps) });
    const quietly = (wait: Wait): Step => ({
      op: 'try',
      body: body(wait),
      caught: body(),
      then: random.pick<Then>(['goOn', 'goOn', 'rethrow']),
      last: null,
    });
    const carefully = (wait: Wait): Step => ({
      op: 'try',
      body: body(wait),
      caught: null,
      then: 'rethrow',
      last: body(random.pick([sleep, foreign])()),
    });
    this.#left -= 3;
    switch (random.below(8)) {
      case 0: // who has lost a race, and a request that comes later
        return [
          { op: 'together', how: 'race', parts: [sleep(), random.pick([sleep, foreign])(), sleep()] },
          foreign(),
          sleep(),
        ];
      case 1: // branches that are elsewhere when they are cancelled
        return [
          quietly({
            op: 'together',
            how: random.pick<How>(['all', 'allSettled']),
            parts: [call(sleep(), random.pick([sleep, foreign])()), call(foreign(), sleep(), sleep())],
          }),
        ];
      case 2: // deadlines side by side
        return [
          {
            op: 'together',
            how: 'allSettled',
            parts: [
              { op: 'timeout', ticks: this.#ticks(), limited: { body: body(carefully(sleep())) } },
              { op: 'timeout', ticks: this.#ticks(), limited: { body: this.#inner(place, { mayset: false }) } },
              call(sleep(), { op: 'cancelling' }),
            ],
          },
        ];
      case 3: // a deadline that cannot reach its body
        return [
          quietly({ op: 'timeout', ticks: this.#ticks(), limited: { plain: call(foreign(), sleep(), sleep()) } }),
        ];
      case 4: {
        // a task that somebody looks at
        const name = this.#taskName();
        const spawned = body(sleep(), random.pick([sleep, foreign])());
        this.#joinable.push(name);
        return [
          { op: 'spawn', name, body: spawned },
          random.pick<Step>([
            { op: 'together', how: 'race', parts: [{ op: 'join', name }, sleep()] },
            { op: 'thenTask', name, body: body(sleep()) },
            quietly({ op: 'timeout', ticks: this.#ticks(), limited: { plain: { op: 'join', name } } }),
            quietly({ op: 'joinThen', name, body: body(sleep()) }),
          ]),
          sleep(),
        ];
      }
      case 5: // a handler with a life of its own
        return [
          {
            op: 'timer',
            ticks: this.#ticks(),
            body: body(
              { op: 'who' },
              { op: 'setVariable', value: 'h' },
              quietly({ op: 'timeout', ticks: this.#ticks(), limited: { body: body(sleep()) } }),
              sleep(),
              { op: 'getVariable' },
            ),
          },
          sleep(),
          { op: 'getVariable' },
        ];
      case 6: // a group that fails while it, or one around it, is asked to end
        return [
          quietly({
            op: 'timeout',
            ticks: this.#ticks(),
            limited: {
              body: body(
                quietly({
                  op: 'group',
                  body: body(
                    { op: 'child', name: this.#taskName(), body: body(sleep(), { op: 'throw' }) },
                    { op: 'child', name: this.#taskName(), body: body(carefully(sleep())) },
                    random.pick([sleep, foreign])(),
                  ),
                }),
                sleep(),
              ),
            },
          }),
        ];
      default: // a call that is not awaited, and one that is awaited later
        return [
          { op: 'float', body: body(carefully(sleep()), sleep()) },
          quietly({
            op: 'timeout',
            ticks: this.#ticks(),
            limited: { body: body(random.pick([sleep, foreign])(), sleep()) },
          }),
          sleep(),
        ];
    }
  }

  /** A function that ends by the first error does little. */
  #guarded(wait: Wait, place: Place): Step {
    const caught = this.#random.chance(0.7) ? { id: ++this.#bodies, steps: [] } : this.#inner(place, {}, 2);
    const then = this.#random.weighted<Then>({ goOn: 4, rethrow: 1, disguise: 0.2 });
    return { op: 'try', body: { id: ++this.#bodies, steps: [wait] }, caught, then, last: null };
  }

  #maybeEmpty(place: Place): Body {
    return this.#random.chance(0.5) ? { id: ++this.#bodies, steps: [] } : this.#inner(place, {}, 2);
  }

  #taskName(): string {
    const name = `t${++this.#names}`;
    this.#tasks.push(name);
    return name;
  }

  #futureName(): string {
    return `x${this.#random.below(2)}`;
  }

  #wait(place: Place, isPart = false): Wait {
    const random = this.#random;
    const weights: Record<string, number> = {};
    for (const op of Object.keys(WAITS)) weights[op] = this.#weights[op]!;
    if (place.depth > 3)
      for (const op of ['group', 'gather', 'timeout', 'waitFor', 'together', 'shield', 'call', 'memo', 'joinThen'])
        weights[op] = weights[op]! * 0.2;
    if (isPart) {
      weights['call'] = (weights['call'] ?? 0) * 6;
      weights['together'] = 0;
    }
    if (place.isOutside) weights['signalled'] = 0;
    if (this.#held.length === 0) weights['held'] = 0;
    const joins = ['join', 'joinThen', 'shieldTask'];
    if (this.#joinable.length === 0) for (const op of joins) weights[op] = 0;
    if (place.inMemo) for (const op of [...joins, 'memo', 'held', 'future']) weights[op] = 0;
    const op = random.weighted(weights) as keyof typeof WAITS;
    switch (op) {
      case 'sleep':
      case 'signalled':
      case 'wrapped':
        return { op, ticks: this.#ticks() };
      case 'turn':
        return { op };
      case 'foreign':
        return random.chance(0.06) ? { op, ticks: this.#ticks(), fails: true } : { op, ticks: this.#ticks() };
      case 'future':
        return { op, name: this.#futureName() };
      case 'call':
        return { op, body: this.#inner(place, { mayset: place.mayset && !isPart }) };
      case 'memo':
        return { op, name: 'memo', body: this.#inner(place, { inMemo: true, mayset: false }) };
      case 'join':
      case 'shieldTask':
        return { op, name: random.pick(this.#joinable) };
      case 'joinThen':
        return { op, name: random.pick(this.#joinable), body: this.#inner(place, { mayset: false }) };
      case 'held':
        return { op, name: random.pick(this.#held) };
      case 'together': {
        const how = random.weighted<How>({ all: 4, allSettled: 2, race: 4, any: 1.5 });
        const count = 2 + random.below(2);
        const parts = Array.from({ length: count }, () =>
          this.#wait({ ...place, depth: place.depth + 1, mayset: false }, true),
        );
        return { op, how, parts };
      }
      case 'timeout':
      case 'waitFor':
        return { op, ticks: this.#ticks(), limited: this.#limited(place) };
      case 'group':
        return {
          op,
          body: this.#inner(place, { inGroup: true, isOutside: false, mayset: place.mayset && !place.isOutside }, 5),
        };
      case 'shield':
        return { op, body: this.#inner(place, { inGroup: false, isOutside: false, mayset: true }) };
      case 'gather':
        return { op, bodies: [0, 1].map(() => this.#inner(place, { inGroup: false, isOutside: false, mayset: true })) };
    }
  }

  #limited(place: Place): Limited {
    const inner = { ...place, depth: place.depth + 1, isOutside: false, mayset: place.mayset && !place.isOutside };
    if (this.#random.chance(0.75)) return { body: this.#body(inner, 4) };
    for (;;) {
      const plain = this.#wait(inner, this.#random.chance(0.5));
      if (plain.op !== 'held' && plain.op !== 'join' && plain.op !== 'joinThen' && plain.op !== 'shieldTask')
        return { plain };
    }
  }
}
