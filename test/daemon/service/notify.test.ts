import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { notifySystemd } from '../../../src/daemon/service/notify.ts';

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-notify-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A program of the name `systemd-notify` that writes down what it was called with. */
function recorder(): { readonly env: Record<string, string>; said(): string } {
  const dir = newFolder();
  const script = `#!/bin/sh\nprintf '%s;' "$@" >> '${dir}/said'\necho "to $NOTIFY_SOCKET $WATCHDOG_USEC" >> '${dir}/said'\n`;
  writeFileSync(join(dir, 'systemd-notify'), script, { mode: 0o755 });
  return {
    env: { PATH: `${dir}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '3000000' },
    said: () => (existsSync(join(dir, 'said')) ? readFileSync(join(dir, 'said'), 'utf8') : ''),
  };
}

describe('A service manager', () => {
  it('is told one thing after the other, and nothing but that', async () => {
    const { env, said } = recorder();
    const manager = notifySystemd(env);
    await Promise.all([manager.ready('looks'), manager.status('applies\nREADY=0'), manager.ping(), manager.stopping('ends')]);
    expect(said()).toBe(
      ['READY=1;STATUS=looks;', 'STATUS=applies READY=0;', 'WATCHDOG=1;', 'STOPPING=1;STATUS=ends;']
        .map((each) => `${each}to /run/n \n`)
        .join(''),
    );
  });

  it('is spared what is out of date before it is told', async () => {
    const { env, said } = recorder();
    const manager = notifySystemd(env);
    await Promise.all([manager.ready('a'), ...['b', 'c', 'd'].map((text) => manager.status(text)), manager.ping(), manager.ping()]);
    expect(said().match(/[A-Z]+=\w+/g)).toEqual(['READY=1', 'STATUS=a', 'STATUS=d', 'WATCHDOG=1']);
    await manager.status('e');
    expect(said()).toContain('STATUS=e;');
  });

  it('that did not start this process is told nothing', async () => {
    const { env, said } = recorder();
    const manager = notifySystemd({ ...env, NOTIFY_SOCKET: undefined });
    await manager.ready('a');
    expect([manager.watchdog, said()]).toEqual([null, '']);
  });

  it('is done without where there is no program to speak to it', async () => {
    const manager = notifySystemd({ PATH: newFolder(), NOTIFY_SOCKET: '/run/n' });
    await manager.ready('a');
    await manager.stopping('ends');
  });

  it.each([
    [{ WATCHDOG_USEC: '3000000' }, 1500],
    [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, 1500],
    [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }, null],
    [{ WATCHDOG_USEC: '1' }, 1],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('waits for a sign of life: %o', (env, ms) => {
    expect(notifySystemd({ NOTIFY_SOCKET: '/run/n', ...env }, 7).watchdog).toBe(ms);
  });
});

const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: socket.close(fd)
    print(data.decode().strip().replace('\\n', '|'), flush=True)
`;

const canListen = spawnSync('systemd-notify', ['--version']).status === 0 && spawnSync('python3', ['-c', 'import socket']).status === 0;

describe.skipIf(!canListen)('A real socket', () => {
  it.each(['/', '@'])('hears the real program: %s', async (kind) => {
    const path = join(newFolder(), 'notify');
    const address = kind === '@' ? `@${path}` : path;
    const python = spawn(
      'python3',
      ['-c', RECEIVER, path].map((word) => (kind === '@' ? word.replace('s.bind(sys.argv[1])', "s.bind('\\0' + sys.argv[1])") : word)),
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void python.kill());
    let heard = '';
    python.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await vi.waitFor(() => expect(heard).toContain('bound'), 20_000);
    const manager = notifySystemd({ PATH: process.env['PATH'], NOTIFY_SOCKET: address });
    await manager.ready('2 models as declared');
    await manager.ping();
    await manager.stopping('ends');
    await vi.waitFor(() => expect(heard).toContain('STOPPING=1|STATUS=ends'), 20_000);
    const messages = heard.split('\n').filter((line) => /READY|WATCHDOG|STOPPING/.test(line));
    expect(messages).toEqual(['READY=1|STATUS=2 models as declared', 'WATCHDOG=1', 'STOPPING=1|STATUS=ends']);
  });
});
