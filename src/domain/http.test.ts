import { describe, expect, it } from 'vitest';
import { isLoopback, mayRedirect, retryAfter } from './http.ts';

describe('Hosts', () => {
  it('of this machine are told from those that only look so', () => {
    const here = ['localhost', 'LOCALHOST:5000', '127.0.0.1', '127.1.2.3:80', '[::1]', '[::1]:5000', '::1'];
    const elsewhere = [
      '',
      'hf.co',
      '10.0.0.1:1',
      '0.0.0.0',
      '127.0.0.1.evil.com',
      '127.evil.com',
      'localhost.evil.com',
      'a.localhost',
      '::1:80',
      '[::2]',
      'localhost\n.evil.com',
    ];
    expect([...here, ...elsewhere].filter(isLoopback)).toEqual(here);
  });
});

describe('Redirects', () => {
  const urls = ['https://a.io', 'https://b.io', 'http://a.io', 'http://b.io', 'http://127.0.0.1', 'ftp://a.io'];
  const from = (start: string) => urls.filter((url) => mayRedirect(new URL(start), new URL(url)));
  it('never give up encryption', () => expect(from('https://a.io')).toEqual(['https://a.io', 'https://b.io']));
  it('lead from plain HTTP to no other host that is asked in plain text, this machine excepted', () =>
    expect(from('http://a.io:8080')).toEqual(['https://a.io', 'https://b.io', 'http://a.io', 'http://127.0.0.1']));
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('%j is a pause of %j ms', (header, pause) => expect(retryAfter(header, now)).toBe(pause));
});
