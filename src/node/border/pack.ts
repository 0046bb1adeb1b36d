import { v8 } from '../late.ts';
import { Copier } from './copy.ts';
import type { Border, Packed } from './packed.ts';
import { messageOf } from './reading.ts';
import { type Problem, search } from './search.ts';

/** Prepares a value to be sent, or says why it cannot be. */
export type Packing = { readonly packed: Packed } | { readonly problem: Problem };

/**
 * Prepares a value so that sending it cannot fail. Functions, symbols, promises, objects of the runtime and other values that
 * would not arrive unchanged are refused, in the same way in every runtime. Errors, which may be anywhere in it, keep class and fields.
 */
export function pack(value: unknown, border: Border): Packing {
  const { problem, hasErrors, isUncertain } = search(value, border);
  if (problem !== null) return { problem };
  const packed = hasErrors ? copied(value, border, true) : { value };
  if (isUncertain) {
    try {
      structuredClone(packed.value);
      if (border === 'process') v8().serialize(packed.value);
    } catch (error) {
      return { problem: { path: [], what: ` cannot be cloned: ${messageOf(error)}` } };
    }
  }
  return { packed };
}

/**
 * Prepares any thrown value to be sent; it is never refused, because no code could handle the refusal. Parts that cannot be sent become a
 * text.
 */
export function packThrown(thrown: unknown, border: Border): Packed {
  try {
    const packing = pack(thrown, border);
    return 'packed' in packing ? packing.packed : copied(thrown, border, false);
  } catch (error) {
    return { value: `something was thrown that cannot be described: ${messageOf(error)}` };
  }
}

function copied(value: unknown, border: Border, wasSearched: boolean): Packed {
  const copier = new Copier(border, wasSearched);
  const copy = copier.copy(value);
  return { value: copy, errors: copier.errors };
}
