import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { output } from './programs.ts';

/** A certificate that vouches for itself, of `localhost` and `127.0.0.1`. */
export interface Certificate {
  readonly keyFile: string;
  readonly certFile: string;
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate by openssl. */
export function certificate(folder: string, name = 'localhost'): Certificate {
  const keyFile = path.join(folder, `${name}-key.pem`);
  const certFile = path.join(folder, `${name}-cert.pem`);
  if (!existsSync(certFile)) {
    output('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', keyFile, '-out', certFile, '-subj', `/CN=${name}`],
      ...['-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`],
    ]);
  }
  return { keyFile, certFile, key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}
