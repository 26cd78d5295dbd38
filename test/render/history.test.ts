import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/domain/generation.ts';
import { renderGenerationText, renderHistoryText } from '../../src/render/index.ts';
import { cost, create, fieldChange, remove, update } from './plans.ts';
import { FAILED, generation, NOW, result } from './worlds.ts';

const LOOKS = { color: false, width: 80, now: NOW };
const clock = (at: string) => `local ${at.slice(0, 13)}`;
const history = (over: Partial<Generation>, looks = {}) => renderHistoryText([generation(42, over)], { ...LOOKS, ...looks });
const whole = (over: Partial<Generation>, looks = {}) => renderGenerationText(generation(42, over), { ...LOOKS, ...looks });

describe('history answers why it restarted, when, and who did it', () => {
  it('names each model with what changed', () => {
    const fields = [fieldChange({ field: 'context', from: 512, to: 1024 })];
    expect(history({ changes: [update({ replacement: null, fields }), create({ model: 'x' }), remove({ model: 'old' })] })).toContain(
      '~chat: context 512 → 1024; +x; -old: it is not in llmops.yaml any more',
    );
  });

  it('names the drift that was corrected', () => {
    const drift = { model: 'chat', backend: 'local', instance: 'chat-1', field: null, from: null, to: null } as const;
    const told = history({
      changes: [create({ model: 'chat', correctsDrift: true })],
      drift: [{ ...drift, reason: 'crashed', policy: 'correct', detail: 'it ended' }],
    });
    expect(told).toContain('+chat: crashed');
  });

  it('names the step that failed, with its code', () => {
    const text = history({ outcome: 'partly', steps: [result('chat.start'), FAILED] });
    expect(text).toContain('failed: probe draft: draft answered no token within 60 s [probe-failed]');
  });

  it('names the requests that were cut, and in full why', () => {
    const cut = { cut: 2, note: 'deadline passed, 2 requests are cut' };
    const steps = [
      { ...result('chat.drain'), ...cut, instance: 'chat-0' },
      { ...result('chat.stop'), instance: 'chat-0' },
    ];
    expect(history({ changes: [update({ replacement: 'swap' })], steps })).toContain('; 2 requests cut');
    expect(whole({ steps })).toContain('drain chat done: deadline passed, 2 requests are cut');
  });

  it('tells a person from a supervisor that acted by itself', () => {
    const changes = [update({ replacement: null })];
    const command = 'llmops apply --supervise';
    expect(history({ changes, command: 'llmops apply', trigger: 'command' })).toContain('└ ~chat');
    expect(history({ changes, command, trigger: 'command' })).toContain('└ apply --supervise: ~chat');
    expect(history({ changes, command, trigger: 'crash' })).toContain('└ apply --supervise, after a crash: ~chat');
    expect(whole({ command, trigger: 'crash' })).toContain('alice@lab, llmops apply --supervise: a restart after a crash');
    expect(whole({ command: 'llmops apply tuesday.plan', trigger: 'command' })).toContain('alice@lab, llmops apply tuesday.plan');
  });

  it('tells who went back to what, and why, and blames no file for it', () => {
    const fields = [fieldChange({ field: 'context', from: 768, to: 512 })];
    const changes = [update({ replacement: null, fields, cause: 'context changed (llmops.yaml:10)' })];
    const back = {
      changes,
      command: 'llmops up',
      trigger: 'rollback',
      wayBack: { to: 17, by: 'bob@lab', why: 'answers in French.' },
    } as const;
    expect(history(back)).toContain('└ rolled back to 17 by bob@lab (answers in French): ~chat: context 768 → 512');
    const told = whole(back);
    expect(told).toContain('By        alice@lab, llmops up: rolled back to 17 by bob@lab (answers in French)');
    expect(told).toContain('because    generation 17 was gone back to');
    expect(told).not.toContain('llmops.yaml:10');
    const { wayBack: _, ...older } = back;
    expect(history(older)).toContain('└ rolled back by alice@lab: ~chat');
  });

  it('tells what is put right while the stack is held from the way back itself', () => {
    const back = { command: 'llmops up', trigger: 'rollback', wayBack: { to: 17, by: 'bob@lab', why: null } } as const;
    const told = history({ ...back, changes: [create({ model: 'chat', correctsDrift: true, cause: 'it ended' })] });
    expect(told).toContain('└ up, held at generation 17: +chat: it ended');
  });

  it('tells what made a daemon act', () => {
    const changes = [update({ replacement: null })];
    expect(history({ changes, command: 'llmops up', trigger: 'release' })).toContain('└ up: ~chat');
    expect(history({ changes, command: 'llmops up', trigger: 'drift' })).toContain('└ up, as settings had moved: ~chat');
    expect(whole({ changes, command: 'llmops up', trigger: 'drift' })).toContain('alice@lab, llmops up, as settings had moved');
  });

  it('tells the time by the clock of the reader, and how long ago', () => {
    expect(history({}, { clock })).toContain('local 2026-03-02T10, 6 d ago');
    expect(history({})).toContain('2026-03-02 10:14:07Z, 6 d ago');
  });

  it('fits 80 columns', () => {
    const who = 'alice (sudo root)@a-machine-with-a-long-name.example.org';
    const rows = history({ who, steps: [FAILED], changes: Array.from({ length: 30 }, (_, at) => update({ model: `model-${at}` })) });
    expect(rows.split('\n').filter((row) => row.length > 80)).toEqual([]);
    expect(rows).toContain('and 24');
  });

  it('never shows the hash of a file as if it were a commit', () => {
    const file = '/lab/llmops.yaml';
    expect(history({})).toContain('file 7c1e2aa');
    expect(whole({})).toContain('file 7c1e2aa');
    expect(history({ source: { file, text: '', commit: `${'42551a3f'.repeat(5)}-dirty` } })).toMatch(/ 42551a3-dirty {2}alice/);
    expect(whole({ source: { file, text: '', commit: '42551a3f'.repeat(5) } })).toMatch(/commit 42551a3$/m);
  });
});

describe('one generation', () => {
  const swap = update({ replacement: 'swap', cost: cost({ downtime: 'one-start', activeRequests: 0 }) });
  const publish = result('chat.publish', { startedAt: '2026-03-08T12:00:02.400Z', ms: 100 });

  it('tells the time at which each step began', () => {
    const steps = [result('chat.start', { startedAt: '2026-03-08T14:05:07.100Z' }), result('chat.probe', { startedAt: null, ms: 0 })];
    expect(whole({ steps })).toMatch(/^14:05:07Z {2}start/m);
    expect(whole({ steps })).toMatch(/^- {10}probe/m);
  });

  it('sets the measured downtime beside the promised one', () => {
    const steps = [result('chat.withdraw', { startedAt: '2026-03-08T12:00:00.000Z', ms: 5 }), publish];
    expect(whole({ changes: [swap], steps }).replace(/\n {4}/g, ' ')).toContain(
      'downtime of chat: measured 2.5 s (withdraw → publish); promised: until stopped and started',
    );
  });

  it('counts until the old copy was put back, where the new one failed', () => {
    const restored = { instance: 'chat-1', url: 'http://127.0.0.1:1' };
    const probe = result('chat.probe', { status: 'failed', startedAt: '2026-03-08T12:00:01.000Z', ms: 3000, restored });
    const steps = [result('chat.withdraw', { startedAt: '2026-03-08T12:00:00.000Z', ms: 5 }), probe];
    expect(whole({ changes: [swap], steps })).toContain('downtime of chat: measured 4 s (withdraw → put back)');
  });

  it('counts until clients were sent back, where the old copy was kept', () => {
    const restored = { instance: 'chat-1', url: 'http://127.0.0.1:1' };
    const drain = result('chat.drain', { status: 'cancelled', startedAt: '2026-03-08T12:00:00.100Z', ms: 100, restored });
    const steps = [result('chat.withdraw', { startedAt: '2026-03-08T12:00:00.000Z', ms: 5 }), drain];
    expect(whole({ changes: [swap], steps })).toContain('measured 200 ms (withdraw → sent back)');
  });

  describe('of what had ended before', () => {
    const drift = { model: 'chat', backend: 'local', instance: 'chat-1', field: null, from: null, to: null, policy: 'correct' } as const;
    const crashed = (more: object = {}) => ({ ...drift, reason: 'crashed', detail: 'It ended by itself.', ...more }) as const;
    const steps = [result('chat.withdraw', { startedAt: '2026-03-08T12:00:00.500Z', ms: 5 }), publish];
    const startedAt = '2026-03-08T12:00:00.000Z';
    const told = (more: object, over: Partial<Generation> = {}) =>
      whole({ changes: [swap], drift: [crashed(more)], startedAt, steps, ...over }).replace(/\n {4}/g, ' ');

    it('claims no more than was seen: since before the run', () => {
      expect(told({})).toContain('downtime of chat: at least 2.5 s: it had ended before this run; promised');
    });

    it('tells the longest it can have been, where it is known when it last lived', () => {
      expect(told({ lastAliveAt: '2026-03-08T11:59:47.500Z' })).toContain(
        'downtime of chat: between 2.5 s and 15 s: it had ended before this run (last sign of life 11:59:47Z)',
      );
    });

    it('says that it is not over, and since when', () => {
      expect(told({ lastAliveAt: '2026-03-08T11:59:47.000Z' }, { steps: [steps[0] as (typeof steps)[0]] })).toContain(
        'not over when this run ended; it had ended before it (last sign of life 11:59:47Z)',
      );
    });

    it('is told also of a model that left no trace', () => {
      expect(told({ reason: 'gone' }, { changes: [create({ model: 'chat', correctsDrift: true })] })).toContain(
        'downtime of chat: at least 2.5 s',
      );
    });
  });

  it('says of new before old that there was none', () => {
    expect(whole({ steps: [publish] })).toContain('downtime of chat: measured 0 s');
  });

  it('says that it was not over where nothing was published', () => {
    expect(whole({ changes: [swap], steps: [result('chat.withdraw')] })).toContain('downtime of chat: not over when this run ended');
  });

  it('says nothing where clients were neither taken away nor sent on', () => {
    expect(whole({ steps: [result('chat.start', { status: 'failed' })] })).not.toContain('downtime of');
  });
});
