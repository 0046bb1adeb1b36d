import { run } from 'asyncio-ts';
import { type ProgramBody, programBy } from './programs.ts';
import type { Spelling } from './spellings.ts';

/** A test whose body is a program that uses the system. What is reported to the exception handler must be taken out of `reports`. */
export function realProgram(s: Spelling, body: ProgramBody): () => Promise<void> {
  return programBy(run, s, body);
}
