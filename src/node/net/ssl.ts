import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';

/** Keys, certificates and rules for TLS: Node's own options, for either side. */
export type SslContext = Omit<ConnectionOptions & TlsOptions, 'socket' | 'host' | 'port' | 'path'>;

/** How long a handshake may take, in seconds. */
export const HANDSHAKE_TIMEOUT = 60;

/**
 * Checks how long a handshake may take.
 *
 * @throws {ValueError} when it is not above zero
 */
export function checkHandshakeTimeout(name: string, timeout: Duration | undefined): void {
  if (timeout !== undefined && !(inSeconds(timeout, 'sslHandshakeTimeout') > 0))
    throw new ValueError(`${name}: sslHandshakeTimeout must be more than 0 seconds, got ${describe(timeout)}`);
}

/**
 * Checks an `ssl` option.
 *
 * @throws {TypeError} when it is neither options nor `true`, `false` or `null`
 */
export function sslContextOf(name: string, ssl: unknown): SslContext | null {
  if (ssl === undefined || ssl === null || ssl === false) return null;
  if (ssl === true) return {};
  if (typeof ssl === 'object') return ssl as SslContext;
  throw typeError(`${name}: ssl is true, or an object with key, cert, ca and the like, got ${describe(ssl)}`);
}

/**
 * Checks that a client knows which server name to expect, when it connects without a host.
 *
 * @throws {ValueError} when it does not know it
 */
export function checkNamesTheServer({ servername, rejectUnauthorized }: SslContext): void {
  if (servername !== undefined || rejectUnauthorized === false) return;
  throw new ValueError('startTls: You must set serverHostname: this connection was made without a host');
}

/**
 * Checks the `ssl` option of a server, which needs a certificate.
 *
 * @throws {TypeError} when it has none
 */
export function serverContextOf(name: string, ssl: unknown): SslContext | null {
  const context = sslContextOf(name, ssl);
  if (context === null) return null;
  const { key, cert, pfx, secureContext, SNICallback, pskCallback } = context;
  if ((key && cert) || pfx || secureContext || SNICallback || pskCallback) return context;
  throw typeError(`${name}: a TLS server needs a certificate; write ssl: { key, cert }, got ${describe(ssl)}`);
}
