import type { Family } from '../kernel.ts';
import { channels } from './goker/channels.ts';
import { leaks } from './goker/leaks.ts';
import { locks } from './goker/locks.ts';
import { mixed } from './goker/mixed.ts';

export const family: Family = {
  name: 'Blocking bugs of Go programs (GoKer)',
  about:
    'Deadlocks and leaks of CockroachDB, etcd, gRPC, Hugo, Istio, Kubernetes, Knative, Moby and Syncthing, as Yuan et al. have collected them ' +
    '(GoBench: A Benchmark Suite of Real-World Go Concurrency Bugs, 2021), written anew with tasks for goroutines. The failure has to name the ' +
    'goroutines that are blocked and what each of them waits for: the circle, where locks make one.',
  order: 30,
  kernels: [...locks, ...mixed, ...channels, ...leaks],
};
