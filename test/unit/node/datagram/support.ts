import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { setImmediate as macrotask } from 'node:timers/promises';
import { DatagramProtocol, type DatagramTransport } from 'asyncio-ts/node';
import type { SocketAddress } from '../../../../src/streams/index.ts';

/** Notes what it is called with. */
export class Recorder extends DatagramProtocol {
  readonly calls: unknown[][] = [];
  transport: DatagramTransport | null = null;

  override connectionMade(transport: DatagramTransport): void {
    this.transport = transport;
    this.calls.push(['made']);
  }

  override datagramReceived(data: Uint8Array, address: readonly [string, number]): void {
    this.calls.push(['received', new TextDecoder().decode(data), [...address]]);
  }

  override errorReceived(error: unknown): void {
    this.calls.push(['error', error]);
  }

  override pauseWriting(): void {
    this.calls.push(['pause']);
  }

  override resumeWriting(): void {
    this.calls.push(['resume']);
  }

  override connectionLost(error: unknown): void {
    this.calls.push(['lost', error]);
  }

  /** The names of the calls. */
  get names(): unknown[] {
    return this.calls.map(([name]) => name);
  }
}

/** A socket that sends when the test says so. */
export class FakeSocket extends EventEmitter {
  readonly sent: { readonly text: string; readonly to: unknown[]; readonly done: (error?: unknown) => void }[] = [];
  isClosed = false;

  send(data: Uint8Array, ...others: unknown[]): void {
    const done = others.pop() as () => void;
    this.sent.push({ text: new TextDecoder().decode(data), to: others, done });
  }

  close(): void {
    if (this.isClosed) throw new Error('Not running');
    this.isClosed = true;
    this.emit('close');
  }

  /** As something that a transport can be made of. */
  bound(peer: SocketAddress | null = null, playsConnected = false) {
    const socket = this as object as Socket;
    return { socket, sockname: undefined, peername: peer ?? undefined, remote: peer, playsConnected };
  }
}

/** Waits until the process has no socket for datagrams: for ever, when one stays open. The runtime takes a turn to close one. */
export async function noSocketIsOpen(): Promise<void> {
  while (process.getActiveResourcesInfo().includes('UDPWrap')) await macrotask();
}

/** The address that a transport is bound to. */
export function nameOf(transport: DatagramTransport): [host: string, port: number] {
  const [host, port] = transport.getExtraInfo('sockname') as SocketAddress;
  return [host, port];
}

/** The address that a transport is connected to. */
export function peerOf(transport: DatagramTransport): [host: string, port: number] {
  const [host, port] = transport.getExtraInfo('peername') as SocketAddress;
  return [host, port];
}
