/** Makes real certificates (X.509, ECDSA) with what Node has, so that every test of TLS runs everywhere. */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A key and its certificate, as TLS options take them. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** What may be said of a certificate. */
export interface CertificateOptions {
  /** Whom it is of: names and addresses. */
  readonly hosts?: readonly string[];
  /** In how many days it ends, counted from now; negative for one that is over. */
  readonly days?: number;
}

/** An authority that signs certificates. */
export class Authority {
  readonly #key: KeyObject;
  readonly #name: string;
  /** Its own certificate, which peers must know: `ca` of TLS options. */
  readonly cert: string;

  constructor(name = 'Test Authority') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = name;
    const extensions = [extension(BASIC_CONSTRAINTS, sequence(Buffer.from([0x01, 0x01, 0xff])))];
    this.cert = certificate({ issuer: name, subject: name, publicKey, days: 1, extensions, signedWith: privateKey });
  }

  /** A key with a certificate that this authority vouches for. */
  issue({ hosts = ['localhost', '127.0.0.1', '::1'], days = 1 }: CertificateOptions = {}): Identity {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const extensions = [extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName)))];
    const subject = hosts[0] ?? 'nobody';
    return {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      cert: certificate({ issuer: this.#name, subject, publicKey, days, extensions, signedWith: this.#key }),
    };
  }
}

interface Parts {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly extensions: readonly Buffer[];
  readonly signedWith: KeyObject;
}

function certificate({ issuer, subject, publicKey, days, extensions, signedWith }: Parts): string {
  const now = Date.now();
  const begin = new Date(now - 10 * DAY);
  const end = new Date(now + days * DAY);
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    sequence(ECDSA_WITH_SHA256),
    distinguishedName(issuer),
    sequence(time(begin), time(end)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signedWith);
  const der = sequence(body, sequence(ECDSA_WITH_SHA256), tagged(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const DAY = 24 * 60 * 60 * 1_000;

// --------------------------------------------------------------------------------------------- DER, as far as it is needed

const ECDSA_WITH_SHA256 = objectId('2a8648ce3d040302');
const COMMON_NAME = objectId('550403');
const BASIC_CONSTRAINTS = objectId('551d13');
const SUBJECT_ALT_NAME = objectId('551d11');

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(commonName)))));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, tagged(0x04, value));
}

function generalName(host: string): Buffer {
  const version = isIP(host);
  if (version === 0) return tagged(0x82, Buffer.from(host));
  if (version === 4) return tagged(0x87, Buffer.from(host.split('.').map(Number)));
  if (host !== '::1') throw new Error('of the addresses of version 6 only ::1 is known here');
  return tagged(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]));
}
