/** Prints a program as JavaScript, and two traces side by side. */

import { comparedUntil } from './compare.ts';
import type { ModelTrace } from './model.ts';
import { type Body, isWait, type Limited, type Program, type Step, type Trace, type Wait } from './program.ts';

const ms = (ticks: number): string => `${ticks} * T`;

export function showProgram(program: Program): string {
  const lines = [
    '// T = 1 / 1024 s; foreign(t): a promise that is not of the library; timer: setTimeout',
    `await run(${showFunction(program.main, '')});`,
  ];
  for (const { at, cancel } of program.outside) lines.push(`// from outside, at ${ms(at)}: ${cancel}.cancel()`);
  return lines.join('\n');
}

function showFunction(body: Body, indent: string, parameter = ''): string {
  const inner = showBlock(body, `${indent}  `);
  return `async function f${body.id}(${parameter}) {${inner === '' ? '' : `\n${inner}\n${indent}`}}`;
}

function showBlock(body: Body, indent: string): string {
  return body.steps.map((step) => indent + showStep(step, indent)).join('\n');
}

function showStep(step: Step, indent: string): string {
  if (isWait(step)) return `await ${showWait(step, indent)};`;
  switch (step.op) {
    case 'try': {
      let text = `try {\n${showBlock(step.body, `${indent}  `)}\n${indent}}`;
      if (step.caught !== null) {
        const block = showBlock(step.caught, `${indent}  `);
        const last =
          step.then === 'goOn'
            ? ''
            : `\n${indent}  ${step.then === 'rethrow' ? 'throw error;' : 'throw new AbortError({ cause: error });'}`;
        text += ` catch (error) {${block === '' ? '' : `\n${block}`}${last}\n${indent}}`;
      }
      return step.last === null ? text : `${text} finally {\n${showBlock(step.last, `${indent}  `)}\n${indent}}`;
    }
    case 'throw':
      return 'throw new Boom();';
    case 'return':
      return 'return;';
    case 'set':
      return `${step.name}.setResult();`;
    case 'spawn':
      return `${step.name} = createTask(${showFunction(step.body, indent)});`;
    case 'child':
      return `${step.name} = g.createTask(${showFunction(step.body, indent)});`;
    case 'cancelGroup':
      return 'g.cancel();';
    case 'float':
      return `void (${showFunction(step.body, indent)})();`;
    case 'hold':
      return `${step.name} = (${showFunction(step.body, indent)})();`;
    case 'cancel':
      return `${step.name}?.cancel();`;
    case 'cancelSelf':
      return 'currentTask().cancel();';
    case 'uncancel':
      return 'log(currentTask().uncancel());';
    case 'timer':
      return `timer(${ms(step.ticks)}, ${showFunction(step.body, indent)});`;
    case 'bound':
      return `fromElsewhere(${ms(step.ticks)}, AsyncLocalStorage.bind(${showFunction(step.body, indent)}));`;
    case 'thenForeign':
      return `foreign(${ms(step.ticks)}).then(${showFunction(step.body, indent)});`;
    case 'thenTask':
      return `${step.name}?.then(${showFunction(step.body, indent)});`;
    case 'listen':
      return `emitter.on('${step.name}', ${showFunction(step.body, indent)});`;
    case 'emit':
      return `emitter.emit('${step.name}');`;
    case 'setVariable':
      return `v.set('${step.value}');`;
    case 'getVariable':
      return 'log(v.get());';
    case 'cancelling':
      return 'log(currentTask()?.cancelling());';
    case 'who':
      return 'log(currentTask()?.getName());';
    case 'throwIfAborted':
      return 'currentSignal().throwIfAborted();';
  }
}

function showLimited(limited: Limited, indent: string): string {
  return 'body' in limited ? showFunction(limited.body, indent) : `() => ${showWait(limited.plain, indent)}`;
}

function showWait(wait: Wait, indent: string): string {
  switch (wait.op) {
    case 'sleep':
      return `sleep(${ms(wait.ticks)})`;
    case 'turn':
      return 'sleep(0)';
    case 'foreign':
      return wait.fails === true ? `foreignThatFails(${ms(wait.ticks)})` : `foreign(${ms(wait.ticks)})`;
    case 'signalled':
      return `foreign(${ms(wait.ticks)}, { signal: currentSignal() })`;
    case 'wrapped':
      return `wrapPromise(foreign(${ms(wait.ticks)}))`;
    case 'future':
      return wait.name;
    case 'call':
      return `(${showFunction(wait.body, indent)})()`;
    case 'memo':
      return `(memo ??= (${showFunction(wait.body, indent)})())`;
    case 'join':
      return wait.name;
    case 'joinThen':
      return `${wait.name}.then(${showFunction(wait.body, indent)})`;
    case 'held':
      return wait.name;
    case 'together': {
      const parts = wait.parts.map((part) => `${indent}  ${showWait(part, `${indent}  `)},`);
      return `Promise.${wait.how}([\n${parts.join('\n')}\n${indent}])`;
    }
    case 'timeout':
      return `timeout(${ms(wait.ticks)}, ${showLimited(wait.limited, indent)})`;
    case 'waitFor':
      return `waitFor(${showLimited(wait.limited, indent)}, ${ms(wait.ticks)})`;
    case 'group':
      return `taskGroup(${showFunction(wait.body, indent, 'g')})`;
    case 'shield':
      return `shield(${showFunction(wait.body, indent)})`;
    case 'shieldTask':
      return `shield(${wait.name})`;
    case 'gather':
      return `gather(${wait.bodies.map((body) => showFunction(body, indent)).join(', ')})`;
  }
}

export function showTraces(model: ModelTrace, real: Trace): string {
  const until = comparedUntil(model);
  const rows = (trace: Trace): Map<string, string[]> => {
    const found = new Map<string, string[]>();
    for (const { at, line, text } of trace.entries) {
      const key = `${String(at).padStart(6)} ${line}`;
      found.set(key, [...(found.get(key) ?? []), text]);
    }
    return found;
  };
  const expected = rows(model);
  const got = rows(real);
  const keys = [...new Set([...expected.keys(), ...got.keys()])].sort(
    (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
  );
  const text = keys
    .filter((key) => Number.parseInt(key, 10) <= until + 1 || model.cut === null)
    .map((key) => {
      const wanted = expected.get(key)?.join('; ') ?? '–';
      const found = got.get(key)?.join('; ') ?? '–';
      const isCompared = Number.parseInt(key, 10) < until;
      if (wanted === found) return `  ${key}: ${wanted}`;
      return `${isCompared ? '!' : ' '} ${key}:\n      model   ${wanted}\n      library ${found}`;
    });
  if (model.cut !== null) text.push(`  compared up to ${model.cut.at} (${model.cut.why})`);
  for (const stray of real.stray) text.push(`! ${stray}`);
  if (real.endedAt === null) text.push('! run() does not end');
  return text.join('\n');
}
