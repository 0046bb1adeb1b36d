/** What the programs of the I/O benchmarks have in common: the same roles in every library and language. */

/**
 * What a server does with its connections, and a client with the server.
 *
 * | workload | server                                     | client                                              |
 * |----------|--------------------------------------------|-----------------------------------------------------|
 * | echo     | sends back what comes                      | 100 connections; on each, the next message when the last one is back |
 * | bulk     | takes what comes, then says how much it was | one connection; writes as fast as it is let         |
 * | idle     | waits for bytes that never come            | opens connections, and leaves them                  |
 */
export type Work = 'echo' | 'bulk' | 'idle';

/** Does so many operations, and gives the nanoseconds from the first byte written to the last one received. */
export type Exchange = (count: number) => Promise<number>;

/** One library's way to be a server and a client. */
export interface Program {
  /** Listens, and gives the port. */
  serve(work: Work): Promise<number>;
  /** Connects for a workload; what it gives is called once a round. */
  connect(work: Work, port: number): Promise<Exchange>;
}

export const HOST = '127.0.0.1';
export const CONNECTIONS = 100;
/** Bytes of an echoed message. */
export const MESSAGE = 1024;
/** Bytes of a read, and of a write in the bulk workload, whose operations are counted in these. */
export const CHUNK = 65_536;
/** Connections that may wait to be accepted. */
export const BACKLOG = 512;
