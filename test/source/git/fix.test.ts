import { describe, expect, it } from 'vitest';
import { fixOf } from '../../../src/source/git/fix.ts';
import { redactor } from '../../../src/source/git/words.ts';

const at = (url: string, login: readonly (readonly [string, string])[] = []) => ({
  url,
  shown: url,
  path: null,
  login,
  redact: redactor([]),
});
const WEB = at('https://h:8443/x');
const WITH_TOKEN = at('https://h:8443/x', [['http.https://h:8443/.extraHeader', 'x']]);
const UNKNOWN = 'Host key verification failed.';

describe('What to do about a remote', () => {
  it.each([
    [at('ssh://git@h:2222/x'), UNKNOWN, '(ssh -p 2222 git@h)'],
    [at('git+ssh://h/x'), UNKNOWN, '(ssh h)'],
    [at('git@h:x/y'), UNKNOWN, '(ssh git@h)'],
    [at('ssh://git@[::1]:2222/x'), UNKNOWN, '(ssh -p 2222 git@::1)'],
    [at('/by/another/name'), UNKNOWN, '(ssh HOST)'],
    [at('git@h:x'), 'the host key of [h]:22 is another one than before, SHA256:x', "ssh-keygen -R '[h]:22'"],
    [at('git@h:x'), 'git@h: Permission denied (publickey)', 'that has no passphrase'],
    [at('git@h:x'), 'ERROR: Repository not found', 'address is right'],
    [
      WEB,
      "unable to access 'https://h:8443/x/': server certificate verification failed. CAfile: none CRLfile: none",
      'http.https://h:8443/.sslCAInfo',
    ],
    [WEB, "unable to access 'https://h:8443/x/': SSL certificate problem: self-signed certificate", 'http.https://h:8443/.sslCAInfo'],
    [WEB, "SSL: certificate subject name (a) does not match target host name 'h'", 'as its certificate does'],
    [WEB, "SSL: no alternative certificate subject name matches target host name 'h'", 'as its certificate does'],
    [WEB, 'OpenSSL SSL_connect: Connection reset by peer in connection to h:8443', 'It is asked again by itself.'],
    [WEB, 'it wants a login, and was given none', 'Set LLMOPS_GIT_TOKEN'],
    [WEB, "Authentication failed for 'https://h:8443/x/'", 'Set LLMOPS_GIT_TOKEN'],
    [WITH_TOKEN, 'The requested URL returned error: 403', 'may not read this repository'],
    [WITH_TOKEN, 'The requested URL returned error: 302', 'another address'],
    [WEB, 'The requested URL returned error: 302', 'It is asked again by itself.'],
    [WEB, 'no answer within 10 s', 'It is asked again by itself.'],
  ])('$url that says "%s": %s', (remote, reason, fix) => {
    expect(fixOf(reason, remote)).toContain(fix);
  });
});
