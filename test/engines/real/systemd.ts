import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './proc.ts';

const SYSTEMD = '/usr/lib/systemd/systemd';

/**
 * Runs systemd for one person, in a part of cgroup2 that it takes for all of it, and which is emptied and removed when it ends. What
 * is mounted is mounted for it alone; /run, since systemd serves a person only where it finds that it started the machine.
 */
const RUN = `
set -e
all=$1/cgroup own=$1/cgroup/$2
mount -t cgroup2 cgroup2 "$all"
mkdir "$own"
trap : TERM
[ -d /run/systemd/system ] || { mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system; }
sh -c 'echo $$ >"$1/cgroup.procs"; exec unshare --cgroup --mount sh -c "mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec ${SYSTEMD} --user"' - "$own" &
wait || true
kill $! 2>/dev/null || true
wait || true
while [ -e "$own" ]; do
  echo 1 >"$own/cgroup.kill"
  find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
done
`;

/** Why there can be no systemd of our own here; null: there can. */
export function whyNoSystemd(): string | null {
  if (!existsSync(SYSTEMD)) return 'systemd is not installed';
  if (process.getuid?.() !== 0) return 'only root may give it a part of cgroup2';
  try {
    execFileSync('unshare', ['--mount', '--cgroup', 'mount', '-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no cgroup2 can be mounted here: ${String((error as { readonly stderr?: unknown }).stderr ?? error).trim()}`;
  }
}

/** A real systemd, the one of a person (`systemctl --user`), that runs for a test. */
export interface Systemd {
  /** Folder for units. */
  readonly units: string;
  /** `systemctl --user`; rejects with what it said if it fails. */
  ctl(...args: readonly string[]): Promise<string>;
  /** A property of a unit. */
  show(unit: string, property: string): Promise<string>;
  /** Ends it and all that it started. */
  end(): Promise<void>;
}

/** Starts one for the person whose home is in `env`; `dir` is a folder of the test's own. */
export async function startSystemd(dir: string, env: Readonly<Record<string, string>>): Promise<Systemd> {
  const runtime = join(dir, 'run');
  const units = join(env['HOME'] ?? dir, '.config/systemd/user');
  const cgroup = join(dir, 'cgroup');
  for (const folder of [runtime, units, cgroup]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const surroundings = { ...env, XDG_RUNTIME_DIR: runtime, SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' };
  const child = spawn('unshare', ['--mount', 'sh', '-c', RUN, '-', dir, basename(dir)], { env: surroundings, stdio: 'ignore' });
  const gone = once(child, 'exit');
  let isGone = false;
  void gone.then(() => (isGone = true));
  await until(() => {
    if (isGone) throw new Error('systemd ended at once');
    return existsSync(join(runtime, 'systemd/private'));
  });
  const ctl = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('systemctl', ['--user', ...args], { env: surroundings })).stdout.trim();
  return {
    units,
    ctl,
    show: (unit, property) => ctl('show', '--value', '-p', property, unit),
    async end() {
      child.kill('SIGTERM');
      await gone;
      rmSync(runtime, { recursive: true, force: true });
    },
  };
}
