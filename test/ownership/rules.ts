/**
 * Programs written by hand, at least one for each rule, and what ownership.md (docs, or CPython where there is one line) says they do. They
 * hold the model, which could drift otherwise, and the library.
 */
import type { Body, How, Limited, Program, Step, Then, Ticks, Wait } from './program.ts';

export interface RuleCase {
  readonly rule: string;
  readonly title: string;
  readonly program: Program;
  /** `time line: what; it; did`, in the order of time, without beginnings. */
  readonly trace: readonly string[];
}

const f = (id: number, ...steps: Step[]): Body => ({ id, steps });
const sleep = (ticks: Ticks): Wait => ({ op: 'sleep', ticks });
const foreign = (ticks: Ticks): Wait => ({ op: 'foreign', ticks });
const signalled = (ticks: Ticks): Wait => ({ op: 'signalled', ticks });
const future = (name: string): Wait => ({ op: 'future', name });
const call = (id: number, ...steps: Step[]): Wait => ({ op: 'call', body: f(id, ...steps) });
const together = (how: How, ...parts: Wait[]): Wait => ({ op: 'together', how, parts });
const timeout = (ticks: Ticks, limited: Body | Wait): Wait => ({
  op: 'timeout',
  ticks,
  limited: ('steps' in limited ? { body: limited } : { plain: limited }) as Limited,
});
const group = (id: number, ...steps: Step[]): Wait => ({ op: 'group', body: f(id, ...steps) });
const gather = (...bodies: Body[]): Wait => ({ op: 'gather', bodies });
const spawn = (name: string, id: number, ...steps: Step[]): Step => ({ op: 'spawn', name, body: f(id, ...steps) });
const child = (name: string, id: number, ...steps: Step[]): Step => ({ op: 'child', name, body: f(id, ...steps) });
const float = (id: number, ...steps: Step[]): Step => ({ op: 'float', body: f(id, ...steps) });
const timer = (ticks: Ticks, id: number, ...steps: Step[]): Step => ({ op: 'timer', ticks, body: f(id, ...steps) });
const join = (name: string): Wait => ({ op: 'join', name });
const caught = (then: Then, ...steps: Step[]): Step => ({
  op: 'try',
  body: f(0, ...steps),
  caught: f(0),
  then,
  last: null,
});
const finallyDo = (last: Step, ...steps: Step[]): Step => ({
  op: 'try',
  body: f(0, ...steps),
  caught: null,
  then: 'rethrow',
  last: f(0, last),
});
const cancelling: Step = { op: 'cancelling' };
const who: Step = { op: 'who' };
const get: Step = { op: 'getVariable' };
const set = (value: string): Step => ({ op: 'setVariable', value });
const cancelSelf: Step = { op: 'cancelSelf' };
const boom: Step = { op: 'throw' };

/** Main is function 1; `at`: when which task is cancelled from outside. */
function program(steps: readonly Step[], ...outside: readonly [at: Ticks, cancel: string][]): Program {
  return { main: f(1, ...steps), outside: outside.map(([at, cancel]) => ({ at, cancel })) };
}

export const RULES: readonly RuleCase[] = [
  {
    rule: 'R1',
    title: 'a deadline in one branch leaves its sibling alone',
    program: program([together('allSettled', call(2, timeout(50, f(3, sleep(900)))), call(4, sleep(200)))]),
    trace: [
      '50 f2: threw TimeoutError',
      '50 f3: threw CancelledError',
      '200 f1: Promise.allSettled: TimeoutError ok; returned',
      '200 f4: sleep 200: ok; returned',
      '200 run: ok',
      '200 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R1',
    title: 'a deadline around an await of a promise that was made before cannot end the function',
    program: program([{ op: 'hold', name: 'p', body: f(2, sleep(200)) }, timeout(50, f(3, { op: 'held', name: 'p' }))]),
    trace: [
      '200 f1: threw TimeoutError',
      '200 f2: sleep 200: ok; returned',
      '200 f3: held p: ok; returned',
      '200 run: TimeoutError',
      '200 task main: TimeoutError, cancelling 0',
    ],
  },
  {
    rule: 'R1',
    title: 'a listener belongs to whoever emits',
    program: program([
      { op: 'listen', name: 'e', body: f(2, sleep(100)) },
      caught('goOn', timeout(50, f(3, { op: 'emit', name: 'e' }, sleep(300)))),
      sleep(500),
    ]),
    trace: [
      '50 f1: caught TimeoutError',
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '550 f1: sleep 500: ok; returned',
      '550 run: ok',
      '550 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R2',
    title: 'two deadlines side by side are counted apart, and each ends as a TimeoutError',
    program: program([
      together(
        'allSettled',
        timeout(50, f(2, finallyDo(cancelling, sleep(900)))),
        timeout(50, f(3, finallyDo(cancelling, sleep(800)))),
      ),
      cancelling,
    ]),
    trace: [
      '50 f1: Promise.allSettled: TimeoutError TimeoutError; cancelling: 0; returned',
      '50 f2: cancelling: 1; threw CancelledError',
      '50 f3: cancelling: 1; threw CancelledError',
      '50 run: ok',
      '50 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R2',
    title: 'a cancellation from outside that comes with a deadline wins',
    program: program([timeout(50, f(2, finallyDo(sleep(100), sleep(900))))], [80, 'main']),
    trace: [
      '80 f1: threw CancelledError',
      '80 f2: threw CancelledError',
      '80 run: CancelledError',
      '80 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'the loser of a race does not take the next request',
    program: program([together('race', sleep(10), sleep(900)), foreign(100), sleep(300)], [50, 'main']),
    trace: [
      '10 f1: Promise.race: ok',
      '110 f1: foreign 100: ok; threw CancelledError',
      '110 run: CancelledError',
      '110 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'a request that nobody has got when the body returns cancels the task',
    program: program([together('race', sleep(10), sleep(900)), foreign(100)], [50, 'main']),
    trace: [
      '10 f1: Promise.race: ok',
      '110 f1: foreign 100: ok; returned',
      '110 run: CancelledError',
      '110 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'a line that cancels itself is told at its next await, whatever it has left behind',
    program: program([together('race', sleep(10), sleep(900)), cancelSelf, sleep(300)]),
    trace: [
      '10 f1: Promise.race: ok; threw CancelledError',
      '10 run: CancelledError',
      '10 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'who follows the signal has got the request, and cleans up undisturbed',
    program: program([finallyDo(sleep(40), signalled(300)), sleep(10)], [50, 'main']),
    trace: [
      '90 f1: sleep 40: ok; threw CancelledError',
      '90 run: CancelledError',
      '90 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'throwIfAborted() takes the request that waits',
    program: program([finallyDo(sleep(40), foreign(100), { op: 'throwIfAborted' })], [50, 'main']),
    trace: [
      '100 f1: foreign 100: ok',
      '140 f1: sleep 40: ok; threw CancelledError',
      '140 run: CancelledError',
      '140 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'a line that cancels its own task is told at its next await, the others at once and only once',
    program: program([float(2, sleep(50), cancelSelf, foreign(20), sleep(30)), finallyDo(sleep(100), sleep(900))]),
    trace: [
      '50 f2: sleep 50: ok',
      '70 f2: foreign 20: ok; threw CancelledError',
      '150 f1: sleep 100: ok; threw CancelledError',
      '150 run: CancelledError',
      '150 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'when such a line ends without waiting, the others have been told, and may refuse',
    program: program([float(2, sleep(50), cancelSelf), caught('goOn', sleep(900)), sleep(100)]),
    trace: [
      '50 f1: caught CancelledError',
      '50 f2: sleep 50: ok; returned',
      '150 f1: sleep 100: ok; returned',
      '150 run: ok',
      '150 task main: ok, cancelling 1',
    ],
  },
  {
    rule: 'R4',
    title: 'who waits hands the cancellation down',
    program: program([spawn('t1', 2, join('t2')), spawn('t2', 3, sleep(500)), sleep(600)], [50, 't1']),
    trace: [
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '50 task t2: cancelled, cancelling 1',
      '600 f1: sleep 600: ok; returned',
      '600 run: ok',
      '600 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R4',
    title: 'all awaits of one segment hand it down',
    program: program(
      [spawn('t2', 3, sleep(500)), spawn('t1', 2, foreign(20), together('all', join('t2'), sleep(300))), sleep(600)],
      [50, 't1'],
    ),
    trace: [
      '20 f2: foreign 20: ok',
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '50 task t2: cancelled, cancelling 1',
      '600 f1: sleep 600: ok; returned',
      '600 run: ok',
      '600 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R4',
    title: 'who has looked at a task once, and went on, does not',
    program: program(
      [spawn('t2', 3, sleep(500)), spawn('t1', 2, together('race', join('t2'), sleep(10)), sleep(300)), sleep(600)],
      [50, 't1'],
    ),
    trace: [
      '10 f2: Promise.race: ok',
      '50 f2: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '500 f3: sleep 500: ok; returned',
      '500 task t2: ok, cancelling 0',
      '600 f1: sleep 600: ok; returned',
      '600 run: ok',
      '600 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R5',
    title: 'then(f) of a task is no wait, and f is code of the task that called it',
    program: program(
      [
        spawn('t2', 3, sleep(200)),
        spawn('t1', 2, { op: 'joinThen', name: 't2', body: f(4, who, sleep(50)) }, who),
        sleep(600),
      ],
      [50, 't1'],
    ),
    trace: [
      '200 f2: threw CancelledError',
      '200 f3: sleep 200: ok; returned',
      '200 f4: who: t1; threw CancelledError',
      '200 task t1: cancelled, cancelling 1',
      '200 task t2: ok, cancelling 0',
      '600 f1: sleep 600: ok; returned',
      '600 run: ok',
      '600 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R5',
    title: 'two lines that await one future in one moment both wait',
    program: program([
      together('allSettled', timeout(50, f(2, future('x'))), call(3, sleep(80), { op: 'set', name: 'x' }), future('x')),
    ]),
    trace: [
      '50 f2: threw CancelledError',
      '80 f1: Promise.allSettled: TimeoutError ok CancelledError; returned',
      '80 f3: sleep 80: ok; returned',
      '80 run: ok',
      '80 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R6',
    title: 'a callback of the runtime is nobody: no request of the task reaches it, and it may await the task',
    program: program(
      [spawn('t1', 2, timer(20, 3, who, together('allSettled', join('t1'), sleep(200))), sleep(100)), sleep(400)],
      [50, 't1'],
    ),
    trace: [
      '20 f3: who: nobody',
      '50 f2: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '220 f3: Promise.allSettled: CancelledError ok; returned',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R6',
    title: 'a deadline in a callback is kept, and is its own',
    program: program([timer(20, 2, who, timeout(50, f(3, sleep(900)))), sleep(400)]),
    trace: [
      '20 f2: who: nobody',
      '70 f2: threw TimeoutError',
      '70 f3: threw CancelledError',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R6',
    title: 'a function that is bound to its async context runs for the scope that it carries',
    program: program(
      [spawn('t1', 2, { op: 'bound', ticks: 20, body: f(3, who, sleep(300)) }, sleep(200)), sleep(600)],
      [50, 't1'],
    ),
    trace: [
      '20 f3: who: t1',
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '600 f1: sleep 600: ok; returned',
      '600 run: ok',
      '600 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R7',
    title: 'what a callback sets is seen by it alone; it starts from what the task has then',
    program: program([
      set('a'),
      timer(20, 2, who, get, set('b'), sleep(50), get),
      sleep(10),
      set('c'),
      sleep(300),
      get,
    ]),
    trace: [
      '10 f1: sleep 10: ok',
      '20 f2: who: nobody; getVariable: c',
      '70 f2: sleep 50: ok; getVariable: b; returned',
      '310 f1: sleep 300: ok; getVariable: c; returned',
      '310 run: ok',
      '310 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R7',
    title: 'a helper that sets after a foreign promise is seen by its caller',
    program: program([set('a'), call(2, foreign(20), set('b')), get]),
    trace: [
      '20 f1: call: ok; getVariable: b; returned',
      '20 f2: foreign 20: ok; returned',
      '20 run: ok',
      '20 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R7',
    title: 'what a line sets while its task waits elsewhere is its own',
    program: program([set('a'), float(2, foreign(20), set('b'), sleep(50), get), sleep(200), get]),
    trace: [
      '20 f2: foreign 20: ok',
      '70 f2: sleep 50: ok; getVariable: b; returned',
      '200 f1: sleep 200: ok; getVariable: a; returned',
      '200 run: ok',
      '200 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line of a finished task goes on',
    program: program([spawn('t1', 2, float(3, sleep(20), timeout(30, f(4, sleep(900))))), sleep(400)]),
    trace: [
      '0 f2: returned',
      '0 task t1: ok, cancelling 0',
      '20 f3: sleep 20: ok',
      '50 f3: threw TimeoutError',
      '50 f4: threw CancelledError',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line that is left when run() ends is cancelled, and has time to clean up',
    program: program([float(2, finallyDo(sleep(50), sleep(900)))]),
    trace: [
      '0 f1: returned',
      '0 task main: ok, cancelling 0',
      '50 f2: sleep 50: ok; threw CancelledError',
      '50 run: ok',
    ],
  },
  {
    rule: 'R8',
    title: 'lines of a scope that fails are cancelled with it',
    program: program([
      caught('goOn', timeout(300, f(2, together('all', call(3, sleep(900)), call(4, sleep(20), boom))))),
      sleep(400),
    ]),
    trace: [
      '20 f1: caught Boom',
      '20 f2: threw Boom',
      '20 f3: threw CancelledError',
      '20 f4: sleep 20: ok; threw Boom',
      '420 f1: sleep 400: ok; returned',
      '420 run: ok',
      '420 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line of a cancelled group that cleans up is not told again when the group is left',
    program: program([
      group(
        2,
        child('t1', 3, sleep(50), { op: 'cancelGroup' }),
        together('all', call(4, finallyDo(sleep(20), sleep(900))), call(5, sleep(800))),
      ),
      sleep(400),
    ]),
    trace: [
      '50 f1: group: ok',
      '50 f2: threw CancelledError',
      '50 f3: sleep 50: ok; returned',
      '50 f5: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '70 f4: sleep 20: ok; threw CancelledError',
      '450 f1: sleep 400: ok; returned',
      '450 run: ok',
      '450 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a cancelled task stays open until its lines have cleaned up',
    program: program(
      [
        spawn(
          't1',
          2,
          together('all', call(3, finallyDo(sleep(20), sleep(900))), call(4, finallyDo(sleep(70), sleep(800)))),
        ),
        sleep(400),
      ],
      [50, 't1'],
    ),
    trace: [
      '70 f2: threw CancelledError',
      '70 f3: sleep 20: ok; threw CancelledError',
      '120 f4: sleep 70: ok; threw CancelledError',
      '120 task t1: cancelled, cancelling 1',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line that comes back into a cancelled task is told once',
    program: program(
      [
        spawn('t1', 2, together('all', call(3, sleep(900)), call(4, foreign(80), finallyDo(sleep(30), sleep(20))))),
        sleep(400),
      ],
      [50, 't1'],
    ),
    trace: [
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '50 task t1: cancelled, cancelling 1',
      '80 f4: foreign 80: ok',
      '110 f4: sleep 30: ok; threw CancelledError',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a task that fails ends the lines that wait in it, and stays open until they have cleaned up',
    program: program([spawn('t1', 2, float(3, finallyDo(sleep(30), sleep(900))), sleep(50), boom), sleep(300)]),
    trace: [
      '50 f2: sleep 50: ok; threw Boom',
      '80 f3: sleep 30: ok; threw CancelledError',
      '80 task t1: Boom, cancelling 0',
      '300 f1: sleep 300: ok; returned',
      '300 run: ok',
      '300 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'so does main, and run() with it',
    program: program([float(2, finallyDo(sleep(30), sleep(900))), sleep(50), boom]),
    trace: [
      '50 f1: sleep 50: ok; threw Boom',
      '80 f2: sleep 30: ok; threw CancelledError',
      '80 run: Boom',
      '80 task main: Boom, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line that has got the request cleans up: the end of its task does not tell it again',
    program: program([float(2, finallyDo(sleep(100), sleep(900))), finallyDo(sleep(30), sleep(800))], [50, 'main']),
    trace: [
      '80 f1: sleep 30: ok; threw CancelledError',
      '150 f2: sleep 100: ok; threw CancelledError',
      '150 run: CancelledError',
      '150 task main: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R8',
    title: 'the end of a failed task leaves a deadline around a plain body that has begun no wait',
    program: program([float(2, caught('goOn', timeout(900, foreign(800)))), sleep(50), boom]),
    trace: [
      '50 f1: sleep 50: ok; threw Boom',
      '50 f2: caught CancelledError; returned',
      '50 run: Boom',
      '50 task main: Boom, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'what only follows a function at a foreign promise keeps no task open',
    program: program([float(2, timeout(900, f(3, foreign(200), sleep(30)))), sleep(50), boom]),
    trace: [
      '50 f1: sleep 50: ok; threw Boom',
      '50 run: Boom',
      '50 task main: Boom, cancelling 0',
      '200 f3: foreign 200: ok; threw CancelledError',
    ],
  },
  {
    rule: 'R8',
    title: 'a line of a finished task goes on: what it awaits is a task of its own, and its deadlines end it',
    program: program([
      spawn(
        't1',
        2,
        float(
          3,
          caught('goOn', timeout(100, f(4, sleep(60), sleep(900)))),
          timeout(50, f(5, who, sleep(20))),
          caught('goOn', timeout(30, f(6, sleep(900)))),
        ),
      ),
      sleep(400),
    ]),
    trace: [
      '0 f2: returned',
      '0 task t1: ok, cancelling 0',
      '60 f4: sleep 60: ok',
      '100 f3: caught TimeoutError',
      '100 f4: threw CancelledError',
      '100 f5: who: a task',
      '120 f3: timeout 50: ok',
      '120 f5: sleep 20: ok; returned',
      '150 f3: caught TimeoutError; returned',
      '150 f6: threw CancelledError',
      '400 f1: sleep 400: ok; returned',
      '400 run: ok',
      '400 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R8',
    title: 'a line that comes back when run() is over is told once',
    program: program([float(2, foreign(200), caught('goOn', sleep(30)), foreign(20)), sleep(50)]),
    trace: [
      '50 f1: sleep 50: ok; returned',
      '50 run: ok',
      '50 task main: ok, cancelling 0',
      '200 f2: foreign 200: ok; caught CancelledError',
      '220 f2: foreign 20: ok; returned',
    ],
  },
  {
    rule: 'R9',
    title: 'a plain body that has begun no wait is left at the deadline',
    program: program([caught('goOn', timeout(50, foreign(200))), sleep(300)]),
    trace: [
      '50 f1: caught TimeoutError',
      '350 f1: sleep 300: ok; returned',
      '350 run: ok',
      '350 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R9',
    title: 'an async function is waited for, and its result comes too late',
    program: program([caught('goOn', timeout(50, f(2, foreign(200)))), sleep(300)]),
    trace: [
      '200 f1: caught TimeoutError',
      '200 f2: foreign 200: ok; returned',
      '500 f1: sleep 300: ok; returned',
      '500 run: ok',
      '500 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R9',
    title: 'a body that has got the CancelledError and returns has refused, as in CPython',
    program: program([timeout(50, f(2, caught('goOn', sleep(900)))), sleep(300)]),
    trace: [
      '50 f1: timeout 50: ok',
      '50 f2: caught CancelledError; returned',
      '350 f1: sleep 300: ok; returned',
      '350 run: ok',
      '350 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R9',
    title: 'a function that was left is told once, when it comes back',
    program: program([caught('goOn', timeout(50, call(2, foreign(200), finallyDo(sleep(30), sleep(20))))), sleep(400)]),
    trace: [
      '50 f1: caught TimeoutError',
      '200 f2: foreign 200: ok',
      '230 f2: sleep 30: ok; threw CancelledError',
      '450 f1: sleep 400: ok; returned',
      '450 run: ok',
      '450 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R10',
    title: 'what a promise brings after its wait was given up is given back',
    program: program([caught('goOn', timeout(50, f(2, { op: 'wrapped', ticks: 200 }))), sleep(300)]),
    trace: [
      '50 f1: caught TimeoutError',
      '50 f2: threw CancelledError',
      '200 f2: wrapped 200: late',
      '350 f1: sleep 300: ok; returned',
      '350 run: ok',
      '350 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R11',
    title: 'an AbortError that a cancellation caused ends a deadline and a task as the cancellation would',
    program: program(
      [
        caught('goOn', timeout(50, f(2, caught('disguise', sleep(900))))),
        spawn('t1', 3, caught('disguise', sleep(800))),
        sleep(300),
      ],
      [150, 't1'],
    ),
    trace: [
      '50 f1: caught TimeoutError',
      '50 f2: caught CancelledError; threw CancelledError',
      '150 f3: caught CancelledError; threw CancelledError',
      '150 task t1: cancelled, cancelling 1',
      '350 f1: sleep 300: ok; returned',
      '350 run: ok',
      '350 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R11',
    title: 'an AggregateError of nothing but cancellations as well',
    program: program([
      caught('goOn', timeout(50, together('any', sleep(900), sleep(800)))),
      caught('goOn', group(2, child('t1', 3, sleep(10), boom), together('any', sleep(700), sleep(600)))),
    ]),
    trace: [
      '50 f1: caught TimeoutError',
      '60 f1: caught ExceptionGroup(Boom); returned',
      '60 f2: threw CancelledError',
      '60 f3: sleep 10: ok; threw Boom',
      '60 run: ok',
      '60 task main: ok, cancelling 0',
      '60 task t1: Boom, cancelling 0',
    ],
  },
  {
    rule: 'table',
    title: 'a group that fails while it is cancelled from outside: the request is heard at the next await',
    program: program(
      [caught('goOn', group(2, child('t1', 3, finallyDo(boom, sleep(900))), sleep(800))), sleep(300)],
      [50, 'main'],
    ),
    trace: [
      '50 f1: caught ExceptionGroup(Boom); threw CancelledError',
      '50 f2: threw CancelledError',
      '50 f3: threw Boom',
      '50 run: CancelledError',
      '50 task main: cancelled, cancelling 1',
      '50 task t1: Boom, cancelling 1',
    ],
  },
  {
    rule: 'table',
    title: 'a deadline that comes while a gather waits cancels what is gathered',
    program: program([
      caught('goOn', timeout(50, f(2, gather(f(3, sleep(900)), f(4, finallyDo(sleep(20), sleep(800))))))),
      sleep(300),
    ]),
    trace: [
      '50 f1: caught TimeoutError',
      '50 f2: threw CancelledError',
      '50 f3: threw CancelledError',
      '70 f4: sleep 20: ok; threw CancelledError',
      '350 f1: sleep 300: ok; returned',
      '350 run: ok',
      '350 task main: ok, cancelling 0',
    ],
  },
  {
    rule: 'R9',
    title:
      'a deadline that passes while a failed group cleans up is refused, also where the wait of the group is a leftover',
    program: program([
      timeout(
        100,
        f(
          2,
          float(3, sleep(50)),
          caught('goOn', group(4, child('t', 5, boom), child('u', 6, finallyDo(sleep(200), sleep(900))))),
        ),
      ),
    ]),
    trace: [
      '0 f4: returned',
      '0 f5: threw Boom',
      '0 task t: Boom, cancelling 0',
      '50 f3: sleep 50: ok; returned',
      '200 f1: timeout 100: ok; returned',
      '200 f2: caught ExceptionGroup(Boom); returned',
      '200 f6: sleep 200: ok; threw CancelledError',
      '200 run: ok',
      '200 task main: ok, cancelling 0',
      '200 task u: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'two deadlines that pass while a failed group cleans up are both heard: the outer one at the next await',
    program: program([
      timeout(
        100,
        f(
          2,
          timeout(
            150,
            f(3, caught('goOn', group(4, child('t', 5, boom), child('u', 6, finallyDo(sleep(200), sleep(900)))))),
          ),
          sleep(500),
        ),
      ),
    ]),
    trace: [
      '0 f4: returned',
      '0 f5: threw Boom',
      '0 task t: Boom, cancelling 0',
      '200 f1: threw TimeoutError',
      '200 f2: timeout 150: ok; threw CancelledError',
      '200 f3: caught ExceptionGroup(Boom); returned',
      '200 f6: sleep 200: ok; threw CancelledError',
      '200 run: TimeoutError',
      '200 task main: TimeoutError, cancelling 0',
      '200 task u: cancelled, cancelling 1',
    ],
  },
  {
    rule: 'R3',
    title: 'what a line has asked of its own task is not told twice to the line that awaits it',
    program: program([
      caught('goOn', together('all', sleep(300), call(2, sleep(50), { op: 'cancel', name: 'main' }))),
      sleep(100),
    ]),
    trace: [
      '50 f1: caught CancelledError',
      '50 f2: sleep 50: ok; cancel main: true; returned',
      '150 f1: sleep 100: ok; returned',
      '150 run: ok',
      '150 task main: ok, cancelling 1',
    ],
  },
];
