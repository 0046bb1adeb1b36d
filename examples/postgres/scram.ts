// SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove that they know the password, without sending it.

import { Buffer } from 'node:buffer';
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** The client's half of a handshake. */
export class Scram {
  /** The first message of the client. */
  readonly first: string;
  readonly #password: string;
  readonly #nonce: string;
  #signature: Buffer = Buffer.alloc(0);

  constructor(password: string, nonce: string = randomBytes(18).toString('base64')) {
    this.#password = password.normalize('NFKC');
    this.#nonce = nonce;
    // The user's name is in the startup message already.
    this.first = `n,,n=,r=${nonce}`;
  }

  /** The answer to the first message of the server. */
  final(serverFirst: string): string {
    const { r: nonce = '', s: salt = '', i: iterations = '' } = attributes(serverFirst);
    if (!nonce.startsWith(this.#nonce)) throw new Error('the server has answered to somebody else');
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.first.slice(3)},${serverFirst},${withoutProof}`;
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const key = hmac(salted, 'Client Key');
    const signature = hmac(sha256(key), signed);
    const proof = key.map((byte, index) => byte ^ signature[index]!);
    this.#signature = hmac(hmac(salted, 'Server Key'), signed);
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Checks that the server knows the password too. */
  verify(serverFinal: string): void {
    const given = Buffer.from(attributes(serverFinal)['v'] ?? '', 'base64');
    if (given.length === this.#signature.length && timingSafeEqual(given, this.#signature)) return;
    throw new Error('the server does not know the password: it is not who it seems to be');
  }
}

function attributes(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map((part) => [part[0], part.slice(2)]));
}
