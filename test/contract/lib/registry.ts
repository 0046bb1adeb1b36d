import { type CoroutineFunction, type ExceptionContext, getRunningLoop, run } from 'asyncio-ts';
import { everywhere, type Where } from './environment.ts';
import { equal } from './expect.ts';
import { runVirtually } from './loops.ts';
import { type Spelling, type Steps, spellings } from './spellings.ts';

/** A promise about the library. */
export interface Check {
  readonly name: string;
  readonly where: Where;
  readonly run: () => Promise<void>;
}

/** In the order in which they run. */
export const checks: Check[] = [];

/** The main coroutine of a check. A report to its loop's exception handler fails the check, unless the body takes it out. */
type Program = (s: Spelling, reports: ExceptionContext[]) => Steps<void>;

/** Registers the checks of one subject. */
export interface Subject {
  check(name: string, run: () => Promise<void>): void;
  /** A check for each spelling. */
  checkBoth(name: string, run: (s: Spelling) => Promise<void>): void;
  /** A check for each spelling whose body is the main coroutine of a program in simulated time. */
  program(name: string, body: Program): void;
  /** The same in real time, for what the system does. */
  live(name: string, body: Program): void;
}

/** @param where the environments that its checks are for */
export function subject(title: string, where: Where = everywhere): Subject {
  const check: Subject['check'] = (name, run) => {
    checks.push({ name: `${title}: ${name}`, run, where });
  };
  const checkBoth: Subject['checkBoth'] = (name, run) => {
    for (const spelling of spellings) check(`${name} (${spelling.name})`, () => run(spelling));
  };
  const program: Subject['program'] = (name, body) => {
    checkBoth(name, (s) => runProgram(s, body, runVirtually));
  };
  const live: Subject['live'] = (name, body) => {
    checkBoth(name, (s) => runProgram(s, body, run));
  };
  return { check, checkBoth, program, live };
}

type Runner = (main: CoroutineFunction<void, []>) => Promise<void>;

async function runProgram(s: Spelling, body: Program, run: Runner): Promise<void> {
  const reports: ExceptionContext[] = [];
  const main = s.fn(function* () {
    getRunningLoop().setExceptionHandler((_loop, context) => {
      reports.push(context);
    });
    yield* body(s, reports);
  });
  await run(main);
  equal(
    reports.map(({ message, exception }) => `${message}: ${exception}`),
    [],
    'reports to the exception handler',
  );
}
