export { connectLoop, RemoteCall, RemoteLoop, type RemoteResult } from './connect-loop.ts';
export { exposeLoop, LoopDoor } from './expose-loop.ts';
export type { LoopFunctions } from './messages.ts';
