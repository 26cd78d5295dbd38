import { ProblemError } from '../../domain/problem.ts';
import { plainUrl } from '../secrets.ts';

/** `box:11434`, `http://box:11434/`, `:8080` or `8080` as an address without a slash at its end. Throws `import-address`. */
export function addressOf(written: string, fallbackPort: number): string {
  const text = written.trim().replace(/^(\d{1,5})$/, ':$1'); // a number alone would be read as an address of four bytes
  const host = /^https?:\/\//i.test(text) ? text : `http://${text.startsWith(':') ? `127.0.0.1${text}` : text}`;
  const plain = plainUrl(host);
  if (plain === null) throw bad('it is no address of a server');
  if (plain.stripped) throw bad('a name, a password or a query stands in it');
  const url = new URL(plain.url);
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'; // where it listens, not where it can be asked
  const hasPort = /:\d+$/.test(host.replace(/^(https?:\/\/[^/]*).*$/i, '$1'));
  if (!hasPort && url.protocol === 'http:') url.port = String(fallbackPort);
  return url.href.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function bad(reason: string): ProblemError {
  return new ProblemError({
    code: 'import-address',
    summary: `The address cannot be used: ${reason}. Nothing was asked and nothing was written.`,
    fix: 'Write it as http://HOST:PORT',
  });
}
