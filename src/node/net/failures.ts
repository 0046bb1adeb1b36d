import { CancelledError } from '../../errors/index.ts';
import {
  ConnectionAbortedError,
  ConnectionResetError,
  OSError,
  type OSErrorDetails,
  osError,
} from '../../errors/os-error.ts';

/**
 * TLS has failed: the handshake, or the encrypted connection. `code` is the library's word, such as `ERR_SSL_WRONG_VERSION_NUMBER`.
 *
 * Follows CPython's `ssl.SSLError`.
 */
export class SSLError extends OSError {
  override get name(): string {
    return 'SSLError';
  }
}

/**
 * The peer's certificate is not to be trusted, or is of somebody else. `code` says why, such as `DEPTH_ZERO_SELF_SIGNED_CERT` or
 * `ERR_TLS_CERT_ALTNAME_INVALID`.
 *
 * Follows CPython's `ssl.SSLCertVerificationError`.
 */
export class SSLCertVerificationError extends SSLError {
  override get name(): string {
    return 'SSLCertVerificationError';
  }
}

/**
 * A name could not be resolved. `code` says why, such as `ENOTFOUND`.
 *
 * Follows CPython's `socket.gaierror`.
 */
export class GetAddrInfoError extends OSError {
  override get name(): string {
    return 'GetAddrInfoError';
  }
}

/** The words for certificates that fail; `ERR_TLS_CERT_ALTNAME_INVALID` is Node's own, the others are OpenSSL's. */
const CERTIFICATE =
  /CERT|^UNABLE_TO_|^(CRL|HOSTNAME|INVALID_PURPOSE|INVALID_CA|PATH_LENGTH|ERROR_IN_)|SELF_SIGNED|AKID|^ERR_TLS_CERT/;
/** What a peer that rejects a certificate, or anything else, sends, and whatever else OpenSSL says. */
const TLS = /^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/;

/** The error of this library for one of the runtime's sockets or resolver. */
export function failureOf(error: unknown, what?: string): unknown {
  if (!(error instanceof Error) || error instanceof OSError) return error;
  const { code, syscall, errno } = error as Error & OSErrorDetails;
  const text = error.message.trim(); // OpenSSL's ends its line
  const message = what === undefined ? text : `${what}: ${text}`;
  const details = { code, syscall, errno, cause: error };
  if (syscall === 'getaddrinfo' || syscall === 'getnameinfo') return new GetAddrInfoError(message, details);
  if (typeof code === 'string') {
    if (TLS.test(code) && code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return new SSLError(message, details);
    if (CERTIFICATE.test(code)) return new SSLCertVerificationError(message, details);
  }
  // Node's own word for a connection that ended in its handshake names no call of the system.
  if (code === 'ECONNRESET' && syscall === undefined) return new ConnectionResetError(message, details);
  return osError(error, what);
}

/**
 * What a connection is lost with because of an error. It is kept, and thrown into every task that uses the connection: a cancellation of
 * one task is none of those others.
 *
 * @param message what was cancelled
 */
export function lossOf(error: unknown, message = 'the task that was making the connection was cancelled'): unknown {
  if (!(error instanceof CancelledError)) return error;
  return new ConnectionAbortedError(message, { code: 'ECONNABORTED', cause: error });
}
