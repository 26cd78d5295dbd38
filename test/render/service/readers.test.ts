import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serviceFile, serviceName } from '../../../src/render/service/index.ts';
import { readCases } from './case.ts';

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

const of = (kind: string) => readCases().filter((each) => each.kind === kind);

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-service-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe.skipIf(!has('systemd-analyze', '--version'))('To systemd', () => {
  it.each(of('systemd'))('$name says nothing strange', ({ facts }) => {
    const dir = newFolder();
    const program = join(dir, facts.program);
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    const unit = join(dir, `${serviceName(facts)}.service`);
    writeFileSync(unit, serviceFile('systemd', { ...facts, program, user: 'root' }));
    // Without those of this machine: what they say is not the matter.
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:/lib/systemd/system:/usr/lib/systemd/system`, XDG_RUNTIME_DIR: dir };
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { env, encoding: 'utf8' });
    const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes(serviceName(facts)) || line.includes(dir));
    expect({ status, about }).toEqual({ status: 0, about: [] });
  });
});

const READ_PLIST = 'import plistlib, json, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';

describe.skipIf(!has('python3', '-c', 'import plistlib'))('To a reader of property lists', () => {
  it.each(of('launchd'))('$name says what was meant', ({ facts }) => {
    const { stdout, stderr } = spawnSync('python3', ['-c', READ_PLIST], { input: serviceFile('launchd', facts), encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      Label: serviceName(facts),
      ProgramArguments: [facts.program, ...facts.args],
      EnvironmentVariables: { PATH: facts.path, XDG_STATE_HOME: facts.stateHome, XDG_CACHE_HOME: facts.cacheHome },
      KeepAlive: true,
      AbandonProcessGroup: true,
      Umask: 0o077,
    });
  });
});

describe('To a shell', () => {
  it.each(of('container'))('$name mounts the folder of the stack', ({ facts }) => {
    const line = serviceFile('container', facts)
      .split('\n')
      .find((each) => each.includes(':/stack:ro'));
    const words = line?.replace(/^#\s*/, '').replace(/\\$/, '') ?? '';
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${words}`], { encoding: 'utf8' });
    expect(stdout.split('\n')[1]).toBe(`${facts.folder}:/stack:ro`);
  });
});
