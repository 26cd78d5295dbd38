import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A private key, and a certificate that it signed itself, both PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for 127.0.0.1 that vouches for itself, good from yesterday to tomorrow. Source: RFC 5280 */
export function newIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const name = sequence(set(sequence(oid('2.5.4.3'), der(0x0c, Buffer.from('llmops test')))));
  const day = 24 * 3600 * 1000;
  const extensions = sequence(
    sequence(oid('2.5.29.17'), octets(sequence(der(0x87, Buffer.from([127, 0, 0, 1]))))), // subjectAltName
    sequence(oid('2.5.29.19'), der(0x01, Buffer.from([0xff])), octets(sequence(der(0x01, Buffer.from([0xff]))))), // basicConstraints, cA
  );
  const told = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    sequence(time(Date.now() - day), time(Date.now() + day)),
    name,
    key,
    der(0xa3, extensions),
  );
  const cert = sequence(told, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', told, privateKey)])));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value of ASN.1: what it is, how long, and its bytes. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const set = (...parts: readonly Buffer[]): Buffer => der(0x31, ...parts);
const octets = (...parts: readonly Buffer[]): Buffer => der(0x04, ...parts);

/** `20261126120000Z` */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}

function oid(name: string): Buffer {
  const [first = 0, second = 0, ...rest] = name.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(n: number): number[] {
  const bytes = [n & 127];
  for (let more = n >> 7; more > 0; more >>= 7) bytes.unshift((more & 127) | 128);
  return bytes;
}
