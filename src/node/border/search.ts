import { kindOf } from './kinds.ts';
import type { Border } from './packed.ts';
import { messageOf } from './reading.ts';

/** Why a value cannot be carried. */
export interface Problem {
  /** The way to it from the value: empty for the value itself. */
  readonly path: readonly Step[];
  /** The end of a sentence, such as ` is a function`. */
  readonly what: string;
}

type Step = { readonly of: 'property' | 'index'; readonly key: string | number } | { readonly of: 'map' | 'set' };

/** The result of a search. */
export interface Found {
  readonly problem: Problem | null;
  readonly hasErrors: boolean;
  /** Whether the runtime's own clone may still refuse it. */
  readonly isUncertain: boolean;
}

/** An object that is searched, and where it was found. */
interface Site {
  readonly value: object;
  readonly parent: Site | null;
  readonly step: Step | null;
  readonly depth: number;
}

/** The runtime's clone is recursive, and may run out of stack below. */
const DEEP = 500;

/** With more holes than this, an array is searched by its keys: it may be billions long and have two items. */
const MANY_HOLES = 1_000;

/** Longer arrays are not searched for properties besides their items, because that takes as long as cloning them. */
const MANY_ITEMS = 10_000;
const INDEX = /^\d+$/;

/** Searches a value for parts that cannot be sent. Without recursion, so that the value may have any depth. */
export function search(value: unknown, border: Border): Found {
  return new Search(border).run(value);
}

class Search {
  readonly #border: Border;
  readonly #seen = new Set<object>();
  readonly #sites: Site[] = [];
  #problem: Problem | null = null;
  #hasErrors = false;
  #isUncertain = false;

  constructor(border: Border) {
    this.#border = border;
  }

  run(value: unknown): Found {
    this.#visit(value, null, null);
    for (let site = this.#sites.pop(); site !== undefined && this.#problem === null; site = this.#sites.pop()) {
      try {
        this.#lookInto(site);
      } catch (error) {
        this.#fail(` cannot be read: ${messageOf(error)}`, site, null);
      }
    }
    return { problem: this.#problem, hasErrors: this.#hasErrors, isUncertain: this.#isUncertain };
  }

  #lookInto(site: Site): void {
    const { value } = site;
    const kind = kindOf(value, this.#border);
    switch (kind) {
      case 'leaf':
        break;
      case 'error':
        this.#hasErrors = true; // and an error can always be sent
        break;
      case 'array':
        this.#items(value as readonly unknown[], site);
        break;
      case 'map':
        for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
          this.#visit(key, site, MAP);
          this.#visit(item, site, MAP);
        }
        break;
      case 'set':
        for (const item of value as ReadonlySet<unknown>) this.#visit(item, site, SET);
        break;
      case 'instance':
        this.#isUncertain = true;
        this.#properties(value, site);
        break;
      case 'plain':
        this.#properties(value, site);
        break;
      default:
        this.#fail(kind.refused, site, null);
    }
  }

  #properties(value: object, site: Site): void {
    for (const key of Object.keys(value)) {
      const item = (value as Readonly<Record<string, unknown>>)[key];
      if (needsLook(item)) this.#visit(item, site, { of: 'property', key });
    }
  }

  #items(items: readonly unknown[], site: Site): void {
    let holes = 0;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (needsLook(item)) this.#visit(item, site, { of: 'index', key: i });
      else if (item === undefined && !(i in items) && ++holes > MANY_HOLES) {
        this.#properties(items, site);
        return;
      }
    }
    if (items.length <= MANY_ITEMS) this.#named(items, site);
  }

  /** The properties of an array besides its items, which are cloned, too. Names come after numbers. */
  #named(items: readonly unknown[], site: Site): void {
    const keys = Object.keys(items);
    for (let key = keys.pop(); key !== undefined && !INDEX.test(key); key = keys.pop()) {
      const item = Reflect.get(items, key) as unknown;
      if (needsLook(item)) this.#visit(item, site, { of: 'property', key });
    }
  }

  #visit(value: unknown, parent: Site | null, step: Step | null): void {
    if (typeof value === 'function' || typeof value === 'symbol') {
      this.#fail(` is a ${typeof value}`, parent, step);
    } else if (typeof value === 'object' && value !== null && !this.#seen.has(value)) {
      this.#seen.add(value);
      const depth = parent === null ? 0 : parent.depth + 1;
      if (depth > DEEP) this.#isUncertain = true;
      this.#sites.push({ value, parent, step, depth });
    }
  }

  #fail(what: string, site: Site | null, last: Step | null): void {
    if (this.#problem !== null) return;
    const path: Step[] = last === null ? [] : [last];
    for (let at = site; at !== null; at = at.parent) if (at.step !== null) path.push(at.step);
    this.#problem = { path: path.reverse(), what };
  }
}

const MAP: Step = { of: 'map' };
const SET: Step = { of: 'set' };

function needsLook(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value !== null;
    case 'function':
    case 'symbol':
      return true;
    default:
      return false;
  }
}

/** The longest path that is shown. */
const LONGEST_PATH = 12;

/** `.items[2] is a function`, from a step of the path on. */
export function sentence({ path, what }: Problem, from = 0): string {
  const steps = path.slice(from, from + LONGEST_PATH).map(text);
  return `${steps.join('')}${path.length - from > LONGEST_PATH ? '…' : ''}${what}`;
}

function text(step: Step): string {
  switch (step.of) {
    case 'property':
      return `.${step.key}`;
    case 'index':
      return `[${step.key}]`;
    case 'map':
      return ': an entry of the map';
    case 'set':
      return ': an item of the set';
  }
}
