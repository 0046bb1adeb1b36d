import { CancelledError } from '../../errors/index.ts';
import {
  ConnectionAbortedError,
  ConnectionResetError,
  OSError,
  type OSErrorDetails,
  osError,
} from '../../errors/os-error.ts';

/**
 * TLS has failed: the handshake, or the encrypted connection. `code` is the TLS library's code, such as `ERR_SSL_WRONG_VERSION_NUMBER`.
 *
 * Follows CPython's `ssl.SSLError`.
 */
export class SSLError extends OSError {
  override get name(): string {
    return 'SSLError';
  }
}

/**
 * The peer's certificate cannot be trusted, or belongs to another host. `code` says why, such as `DEPTH_ZERO_SELF_SIGNED_CERT` or
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

/** The codes of certificates that fail; `ERR_TLS_CERT_ALTNAME_INVALID` is Node's own, the others are OpenSSL's. */
const CERTIFICATE =
  /CERT|^UNABLE_TO_|^(CRL|HOSTNAME|INVALID_PURPOSE|INVALID_CA|PATH_LENGTH|ERROR_IN_)|SELF_SIGNED|AKID|^ERR_TLS_CERT/;
/** The codes of alerts that a peer sends, for example when it rejects a certificate, and other codes of OpenSSL. */
const TLS = /^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/;

/** The error of this library for one of the runtime's sockets or resolver. */
export function failureOf(error: unknown, what?: string): unknown {
  if (!(error instanceof Error) || error instanceof OSError) return error;
  const { code, syscall, errno } = error as Error & OSErrorDetails;
  const text = error.message.trim(); // OpenSSL's text ends with a line break
  const message = what === undefined ? text : `${what}: ${text}`;
  const details = { code, syscall, errno, cause: error };
  if (syscall === 'getaddrinfo' || syscall === 'getnameinfo') return new GetAddrInfoError(message, details);
  if (typeof code === 'string') {
    if (TLS.test(code) && code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return new SSLError(message, details);
    if (CERTIFICATE.test(code)) return new SSLCertVerificationError(message, details);
  }
  // Node's own error for a connection that ended during its handshake has no system call.
  if (code === 'ECONNRESET' && syscall === undefined) return new ConnectionResetError(message, details);
  return osError(error, what);
}

/**
 * The error with which a connection is lost. It is kept, and thrown into every task that uses the connection. So a cancellation of
 * one task is replaced by another error, because the other tasks were not cancelled.
 *
 * @param message describes what was cancelled
 */
export function lossOf(error: unknown, message = 'the task that was making the connection was cancelled'): unknown {
  if (!(error instanceof CancelledError)) return error;
  return new ConnectionAbortedError(message, { code: 'ECONNABORTED', cause: error });
}
