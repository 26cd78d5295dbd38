import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { until } from './proc.ts';

const SSHD = process.env['LLMOPS_SSHD'] ?? '/usr/sbin/sshd';

/** What sshd finds nowhere but in places of the system it gets there for itself alone: its user, one to log in as, and an empty folder. */
const RUN = `
set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
shift
exec "$@"
`;

/** Why there can be no sshd here; null: there can. */
export function whyNoSshd(): string | null {
  if (!existsSync(SSHD)) return `there is no ${SSHD}; npm run test:engines brings one`;
  if (process.getuid?.() !== 0) return 'only root may give it users of its own';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/run'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `nothing can be mounted here: ${String((error as { readonly stderr?: unknown }).stderr ?? error).trim()}`;
  }
}

/** A key pair; the path of its private part. */
export function newKey(dir: string, name: string, passphrase = ''): string {
  const file = join(dir, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file]);
  return file;
}

/** An SSH server on loopback that lets `git` in with keys alone. */
export interface Sshd {
  readonly port: number;
  /** A line for known_hosts that names its key. */
  readonly knownHost: string;
  end(): Promise<void>;
}

/** `hostKey`: as {@link newKey} made it. `allowed`: keys that may log in. Port 0: any. */
export async function startSshd(dir: string, hostKey: string, allowed: readonly string[], wanted = 0): Promise<Sshd> {
  const port = wanted || (await freePort());
  const publicOf = (key: string): string => readFileSync(`${key}.pub`, 'utf8');
  const users = `git:x:0:0::${dir}:/bin/sh\nsshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`;
  const others = (file: string): string =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !/^(?:git|sshd):/.test(line))
      .join('\n');
  writeFileSync(join(dir, 'passwd'), users + others('/etc/passwd'));
  writeFileSync(join(dir, 'shadow'), `git:*:19000:0:99999:7:::\n${others('/etc/shadow')}`, { mode: 0o600 });
  writeFileSync(join(dir, 'authorized_keys'), allowed.map(publicOf).join(''));
  writeFileSync(
    join(dir, 'sshd_config'),
    `ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
AuthorizedKeysFile ${dir}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
# It would ask for one, and must not get it.
PasswordAuthentication yes
`,
  );
  const child = spawn('unshare', ['--mount', 'sh', '-c', RUN, '-', dir, SSHD, '-D', '-e', '-f', join(dir, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const gone = once(child, 'exit');
  let isGone = false;
  void gone.then(() => (isGone = true));
  await until(() => {
    if (isGone) throw new Error(`sshd ended at once: ${said}`);
    return answers(port);
  });
  return {
    port,
    knownHost: `[127.0.0.1]:${port} ${publicOf(hostKey)}`,
    async end() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const tell = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('data', () => tell(true));
    for (const end of ['error', 'close']) socket.once(end, () => tell(false));
  });
}
