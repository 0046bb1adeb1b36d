import type { Subject } from '../lib/subject.ts';
import { awaitChain } from './await-chain.ts';
import { cancelSleepers } from './cancel-sleepers.ts';
import { deepResume } from './deep-resume.ts';
import { gather } from './gather.ts';
import { ioBulk } from './io-bulk.ts';
import { ioEcho } from './io-echo.ts';
import { ioHeap, ioMemory } from './io-memory.ts';
import { lockContended } from './lock-contended.ts';
import { lockFree } from './lock-free.ts';
import { memory } from './memory.ts';
import { queue } from './queue.ts';
import { sleepers } from './sleepers.ts';
import { spawnJoin } from './spawn-join.ts';
import { switchMany } from './switch-many.ts';
import { switchOne } from './switch-one.ts';
import { timeoutDone } from './timeout-done.ts';

/** All of them, in the order of the tables. */
export const subjects: readonly Subject[] = [
  spawnJoin,
  gather,
  switchOne,
  switchMany,
  queue,
  lockFree,
  lockContended,
  cancelSleepers,
  sleepers,
  timeoutDone,
  awaitChain,
  deepResume,
  memory,
  ioEcho,
  ioBulk,
  ioMemory,
  ioHeap,
];
