import { deserialize, serialize } from 'node:v8';
import { type Border, type Packed, pack, packThrown, sentence, unpack } from '../../../../src/node/border/index.ts';

export const borders: readonly Border[] = ['thread', 'process'];

/** What the runtime does with a message on its way. */
export function sent(packed: Packed, border: Border): Packed {
  return border === 'thread' ? structuredClone(packed) : (deserialize(serialize(packed)) as Packed);
}

/** What arrives of an argument or a result. */
export function carried(value: unknown, border: Border): unknown {
  const packing = pack(value, border);
  if ('problem' in packing) throw new Error(`refused:${sentence(packing.problem)}`);
  return unpack(sent(packing.packed, border));
}

/** Why a value is refused; `null` when it is not. */
export function refusal(value: unknown, border: Border): string | null {
  const packing = pack(value, border);
  return 'problem' in packing ? sentence(packing.problem) : null;
}

/** What arrives of something that was thrown. */
export function thrownOver(thrown: unknown, border: Border): unknown {
  return unpack(sent(packThrown(thrown, border), border));
}

/** Answers every question with an error. */
export function hostileProxy(target: object = {}): object {
  const refuse = () => {
    throw new Error('a trap');
  };
  return new Proxy(
    target,
    new Proxy({}, { get: () => refuse }), // whatever trap it is asked for
  );
}
