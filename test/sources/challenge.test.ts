import { describe, expect, test } from 'vitest';
import { challengeIn, tokenAddress } from '../../src/sources/challenge.ts';

const addressIn = (header: string): string | null => {
  const challenge = challengeIn(header);
  return challenge === null ? null : (tokenAddress(challenge)?.href ?? null);
};

describe('A challenge', () => {
  test.each<[string, string | readonly string[] | undefined, string | null]>([
    ['none', undefined, null],
    ['empty', '', null],
    ['basic', 'Basic realm="a, Bearer b"', 'basic'],
    ['basic alone', 'basic', 'basic'],
    ['bearer', 'Bearer realm="https://a.example/token"', 'bearer'],
    ['bearer in other letters', 'BEARER REALM=https://a.example/token', 'bearer'],
    ['bearer without a realm', 'Bearer service="a"', null],
    ['both: bearer first', 'Basic realm="a",Bearer realm="https://a.example/token",service="b"', 'bearer'],
    ['both, in two headers', ['Basic realm="a"', 'Bearer realm="https://a.example/token"'], 'bearer'],
    ['one that nobody here can answer', 'Negotiate', null],
    ['one that nobody here can answer, and basic', 'Digest realm="a", nonce="b", Basic realm="c"', 'basic'],
    ['parameters of nothing', 'realm="a"', null],
    ['never closed', 'Bearer realm="https://a.example', null],
  ])('is read: %s', (_what, header, scheme) => {
    expect(challengeIn(header)?.scheme ?? null).toBe(scheme);
  });

  test.each<[string, string | null]>([
    ['Bearer realm="https://a.example/token"', 'https://a.example/token'],
    ['Bearer realm="https://a.example/token?x=1", service="reg istry"', 'https://a.example/token?x=1&service=reg+istry'],
    ['Bearer realm="https://a.example/t", scope="repository:a/b:pull"', 'https://a.example/t?scope=repository%3Aa%2Fb%3Apull'],
    ['Bearer realm="https://a.example/t", scope="a:b:pull  c:d:pull"', 'https://a.example/t?scope=a%3Ab%3Apull&scope=c%3Ad%3Apull'],
    ['Bearer realm="https://a.example/t", service="a\\"b"', 'https://a.example/t?service=a%22b'],
    ['Bearer realm="/token"', null],
    ['Bearer realm="ftp://a.example"', null],
    ['Bearer realm="https://ada:secret@a.example/token"', null],
  ])('leads to an address where tokens are made, or to none: %s', (header, address) => {
    expect(addressIn(header)).toBe(address);
  });
});
