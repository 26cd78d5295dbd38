import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keptPath } from '../../src/domain/kept.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { keepFiles } from '../../src/stack/kept-files.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function place(): { readonly dir: string; readonly session: Parameters<typeof keepFiles>[0]; readonly write: (text: string) => void } {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-kept-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const session = { stateDir: join(dir, 'state'), paths: { file: join(dir, 'llmops.yaml'), shown: 'llmops.yaml', baseDir: dir } };
  return { dir, session, write: (text) => writeFileSync(join(dir, 't.jinja'), text) };
}

const planOf = (text: string): Plan =>
  ({ steps: [{ op: 'start', spec: { model: 'chat', attachments: { 't.jinja': digest(text) } } }] }) as unknown as Plan;
const nothing = { steps: [] } as unknown as Plan;

describe('Keeping what options name', () => {
  it('keeps what was planned, and needs the file no more then', async () => {
    const { session, write } = place();
    write('one');
    await keepFiles(session, planOf('one'), {});
    write('two');
    await keepFiles(session, planOf('one'), {});
    expect(readFileSync(keptPath(session.stateDir, digest('one')), 'utf8')).toBe('one');
  });

  it('refuses a plan whose file changed meanwhile, is gone or is none', async () => {
    const { dir, session, write } = place();
    write('two');
    await expect(keepFiles(session, planOf('one'), {})).rejects.toMatchObject({ problem: { code: 'plan-stale', model: 'chat' } });
    rmSync(join(dir, 't.jinja'));
    await expect(keepFiles(session, planOf('one'), {})).rejects.toMatchObject({ problem: { code: 'plan-stale' } });
  });

  it('mends a kept file that was damaged', async () => {
    const { session, write } = place();
    write('one');
    await keepFiles(session, planOf('one'), {});
    writeFileSync(keptPath(session.stateDir, digest('one')), 'o');
    await keepFiles(session, planOf('one'), {});
    expect(readFileSync(keptPath(session.stateDir, digest('one')), 'utf8')).toBe('one');
  });

  it('keeps what it can of models that are left alone', async () => {
    const { session, write } = place();
    write('one');
    await keepFiles(session, nothing, { 't.jinja': digest('one'), 'gone.jinja': digest('gone') });
    expect(readFileSync(keptPath(session.stateDir, digest('one')), 'utf8')).toBe('one');
  });
});
