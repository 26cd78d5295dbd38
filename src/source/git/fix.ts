import type { Remote } from './remote.ts';

/** By git's reason, as `reasonOf` gives it: what a person can do about it. The first that fits counts. */
const FIXES: readonly (readonly [reason: RegExp, fix: (found: RegExpExecArray, remote: Remote) => string | null])[] = [
  [
    /\b30[12378]\b/,
    (_, { login }) => (login.length > 0 ? 'It lies at another address now; name that one, since a secret is sent to no other.' : null),
  ],
  [
    /the host key of (\S+) is another one/,
    ([, host]) =>
      `Ask who runs the server. If it has a new key, forget the old one (ssh-keygen -R '${host}') and log in there once; if it has none, somebody else answers in its place.`,
  ],
  [
    /host key verification/i,
    (_, remote) =>
      `As the user of this process, log in there once (${sshTo(remote)}), compare the fingerprint, and let ssh remember the host.`,
  ],
  [/Permissions \d+ for '([^']+)' are too open/, ([, file]) => `Let nobody else read the key: chmod 600 '${file}'`],
  [/dubious ownership/i, () => 'Tell git to trust it: git config --global --add safe.directory FOLDER'],
  [/(?:does not match|matches) target host/i, () => 'Name the host in the address as its certificate does.'],
  [
    /certificate/i,
    ({ input }) =>
      `If the certificate is not out of date, tell git whose certificates count: git config --global http.${originIn(input)}.sslCAInfo FILE, or GIT_SSL_CAINFO in the environment.`,
  ],
  [/permission denied|authentication failed|a login|the login|\b40[13]\b|access denied/i, (_, remote) => loginFix(remote)],
  [
    /not found|\b404\b|does not appear to be a git repository/i,
    () => 'See that the address is right. Many servers say the same of one that the login may not read.',
  ],
];

/** What to do about a remote that cannot be asked. */
export function fixOf(reason: string, remote: Remote): string {
  for (const [pattern, fix] of FIXES) {
    const found = pattern.exec(reason);
    const text = found && fix(found, remote);
    if (text !== null) return text;
  }
  return 'It is asked again by itself.';
}

function loginFix({ url, login }: Remote): string {
  if (!/^https?:/.test(url))
    return 'Give ~/.ssh/config, or the SSH agent of this process, a key that the server knows and that has no passphrase; nobody can be asked for one here.';
  return login.length > 0
    ? 'LLMOPS_GIT_TOKEN, or the password in the address, is wrong, has expired, or may not read this repository; give another one and start llmops anew.'
    : 'Set LLMOPS_GIT_TOKEN, or let one of git’s credential helpers know the password; nobody can be asked for it here.';
}

/** How a person logs in where git would. */
function sshTo({ url }: Remote): string {
  const [, host = '', port] = /^[a-z+]+:\/\/([^/:]+|[^/]*\[[^\]]*\])(?::(\d+))?(?:\/|$)/i.exec(url) ?? /^([^/:]+):/.exec(url) ?? [];
  return ['ssh', ...(port === undefined ? [] : [`-p ${port}`]), host.replace(/[[\]]/g, '') || 'HOST'].join(' ');
}

/** As git's configuration names a server: `https://git.example.org/`. */
function originIn(reason: string): string {
  return /https:\/\/[^/\s'"]+\//.exec(reason)?.[0] ?? 'https://HOST/';
}
