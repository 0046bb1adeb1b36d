export type { ConnectionSide, MemoryConnection } from './connection.ts';
export type { NetworkFaults } from './faults.ts';
export {
  type MemoryConnectionOptions,
  type MemoryHost,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryPlace,
  type MemoryServerOptions,
  type MemoryServerPlace,
} from './network.ts';
export type { NetworkDisturbance } from './partitions.ts';
export type { Latency, NetworkSettings } from './settings.ts';
