export { createDatagramEndpoint } from './create-datagram-endpoint.ts';
export { type Datagram, DatagramSocket, type DatagramSocketOptions, openDatagramSocket } from './datagram-socket.ts';
export type { DatagramAddress, DatagramOptions } from './options.ts';
