import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stackFile } from '../../cli/stage.ts';
import { takesMinutes } from '../../guard/patience.ts';
import { newHome, until } from '../home.ts';

takesMinutes();

describe('llmops up under a service manager', () => {
  it('says that it is ready, what it is at, and, as the last thing, that the engines go on', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'llmops-notify-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'systemd-notify'), `#!/bin/sh\nsleep 0.2\nprintf '%s;' "$@" >>'${dir}/said'\necho >>'${dir}/said'\n`, {
      mode: 0o755,
    });
    const said = (): readonly string[] => (existsSync(join(dir, 'said')) ? readFileSync(join(dir, 'said'), 'utf8').trim().split('\n') : []);
    const home = await newHome({ PATH: `${dir}:${process.env['PATH']}`, NOTIFY_SOCKET: '/run/nobody' });
    home.write('llmops.yaml', stackFile({ chat: 'context: 256, rollout: { bake: 0s }' }));
    const daemon = await home.up();
    await until('a status', () => said().some((line) => /^STATUS=release \w+: in force\. It follows /.test(line)));
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(said()[0]).toMatch(/^READY=1;STATUS=It follows .*llmops\.yaml\.;$/);
    expect(said().at(-1)).toBe('STOPPING=1;STATUS=It ends. The engines go on running.;');
  });
});
