/** Makes a program that shows a difference as small as it gets. */

import { TAIL } from './generate.ts';
import { type Body, bodiesOf, isWait, type Limited, type Program, type Step, sizeOf, type Wait } from './program.ts';

/** Smaller programs, the much smaller ones first. */
function* smaller(program: Program): Generator<Program> {
  for (let i = 0; i < program.outside.length; i++) yield { ...program, outside: program.outside.toSpliced(i, 1) };
  const { steps } = program.main;
  const last = steps.at(-1);
  for (const main of smallerBodies(program.main)) {
    // Without its last sleep, run() would end the others: another matter.
    if (last?.op !== 'sleep' || last.ticks !== TAIL || main.steps.at(-1) === last) yield { ...program, main };
  }
}

function* smallerBodies(body: Body): Generator<Body> {
  for (let i = 0; i < body.steps.length; i++) {
    if (body.steps.length > 2) {
      const rest = body.steps.slice(0, i);
      if (i > 0 && i < body.steps.length - 1) yield { ...body, steps: rest };
    }
    yield { ...body, steps: body.steps.toSpliced(i, 1) };
  }
  for (let i = 0; i < body.steps.length; i++) {
    for (const steps of smallerSteps(body.steps[i]!)) yield { ...body, steps: body.steps.toSpliced(i, 1, ...steps) };
  }
}

/** What a step can be replaced by. */
function* smallerSteps(step: Step): Generator<readonly Step[]> {
  if (step.op !== 'spawn' && step.op !== 'child') for (const inner of bodiesOf(step)) yield inner.steps;
  if (isWait(step)) {
    for (const wait of smallerWaits(step)) yield [wait];
    return;
  }
  if (step.op === 'try') {
    if (step.last !== null && step.caught !== null) yield [{ ...step, last: null }];
    if (step.caught !== null && step.last !== null) yield [{ ...step, caught: null }];
    if (step.then === 'disguise') yield [{ ...step, then: 'rethrow' }];
    for (const body of smallerBodies(step.body)) yield [{ ...step, body }];
    if (step.caught !== null) for (const caught of smallerBodies(step.caught)) yield [{ ...step, caught }];
    if (step.last !== null) for (const last of smallerBodies(step.last)) yield [{ ...step, last }];
  } else if ('body' in step) {
    for (const body of smallerBodies(step.body)) yield [{ ...step, body } as Step];
  }
}

function* smallerWaits(wait: Wait): Generator<Wait> {
  switch (wait.op) {
    case 'together':
      for (const part of wait.parts) yield part;
      for (let i = 0; i < wait.parts.length; i++) {
        if (wait.parts.length > 1) yield { ...wait, parts: wait.parts.toSpliced(i, 1) };
        for (const part of smallerWaits(wait.parts[i]!)) yield { ...wait, parts: wait.parts.toSpliced(i, 1, part) };
      }
      return;
    case 'timeout':
    case 'waitFor':
      if (wait.op === 'waitFor') yield { ...wait, op: 'timeout' };
      for (const limited of smallerLimited(wait.limited)) yield { ...wait, limited };
      return;
    case 'gather':
      for (let i = 0; i < wait.bodies.length; i++) {
        if (wait.bodies.length > 1) yield { ...wait, bodies: wait.bodies.toSpliced(i, 1) };
        for (const body of smallerBodies(wait.bodies[i]!)) yield { ...wait, bodies: wait.bodies.toSpliced(i, 1, body) };
      }
      return;
    case 'call':
    case 'memo':
    case 'joinThen':
    case 'group':
    case 'shield':
      for (const body of smallerBodies(wait.body)) yield { ...wait, body };
      return;
    case 'wrapped':
    case 'signalled':
      yield { op: 'foreign', ticks: wait.ticks };
      yield { op: 'sleep', ticks: wait.ticks };
      return;
  }
}

function* smallerLimited(limited: Limited): Generator<Limited> {
  if ('body' in limited) for (const body of smallerBodies(limited.body)) yield { body };
  else {
    yield { body: { id: 900, steps: [limited.plain] } };
    for (const plain of smallerWaits(limited.plain)) yield { plain };
  }
}

/** Takes away what is not needed, as long as a difference is left. */
export async function shrink(
  program: Program,
  differs: (program: Program) => Promise<boolean>,
  most = 12_000,
): Promise<Program> {
  let best = program;
  let tries = 0;
  for (let found = true; found; ) {
    found = false;
    for (const candidate of smaller(best)) {
      if (++tries > most) return best;
      if (sizeOf(candidate.main) + candidate.outside.length > sizeOf(best.main) + best.outside.length) continue;
      if (!(await differs(candidate))) continue;
      best = candidate;
      found = true;
      break;
    }
  }
  return best;
}
