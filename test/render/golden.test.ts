import { describe, expect, test } from 'vitest';
import type { HistoryLooks } from '../../src/render/history/text.ts';
import {
  renderApplyResult,
  renderDiffText,
  renderEventLine,
  renderGenerationText,
  renderHistoryText,
  renderPlanMarkdown,
  renderPlanText,
  renderStatusText,
} from '../../src/render/index.ts';
import { plan } from './plans.ts';
import { mixedStatus } from './status-story.ts';
import { STORIES } from './stories.ts';
import { EVENTS, FAILED, generation, NOW, result } from './worlds.ts';

/** Every look of what llmops prints, kept as files to be read: test/render/cases. `vitest -u` writes them anew. */
const WIDTHS = [80, 120] as const;
const NARROW: HistoryLooks = { color: false, width: 80, now: NOW };
const COLORED: HistoryLooks = { ...NARROW, color: true };

const file = (name: string, look: string) => `./cases/${name.replaceAll(/[ ,]+/g, '-')}.${look}`;

describe.each(Object.entries(STORIES))('the plan "%s"', (name, story) => {
  test.each(WIDTHS)('reads well at %i columns', async (width) => {
    await expect(renderPlanText(story, { color: false, width, now: NOW })).toMatchFileSnapshot(file(name, `${width}.txt`));
  });

  test('reads the same in colour', async () => {
    await expect(renderPlanText(story, COLORED)).toMatchFileSnapshot(file(name, 'color.txt'));
  });

  test('fits a pull request', async () => {
    await expect(renderPlanMarkdown(story)).toMatchFileSnapshot(file(name, 'md'));
  });
});

test('many changes are told one row each', async () => {
  const story = STORIES['a bit of everything'] ?? plan();
  await expect(renderPlanText(story, { ...NARROW, concise: true })).toMatchFileSnapshot(file('a bit of everything', 'concise.txt'));
});

test('a plan against the world reads as a diff', async () => {
  await expect(renderDiffText(STORIES['a bit of everything'] ?? plan(), NARROW)).toMatchFileSnapshot(file('a bit of everything', 'diff'));
});

test.each([
  ['80.txt', NARROW],
  ['color.txt', COLORED],
  ['wide.txt', { ...NARROW, wide: true }],
])('the status says why a model is not ready (%s)', async (look, looks) => {
  await expect(renderStatusText(mixedStatus(), looks)).toMatchFileSnapshot(file('status', look));
});

test('without a file the status counts what serves, and calls nothing ready that it cannot judge', () => {
  const told = renderStatusText({ ...mixedStatus(), file: null, revision: null, summary: { declared: 0, ready: 0, serving: 0 } }, NARROW);
  expect(told.replaceAll(/\s+/g, ' ')).toContain('4 of 7 models serving; the file cannot be used, so what should run is not known');
});

const STEPS = [
  result('chat.start'),
  result('chat.probe', { ms: 350 }),
  FAILED,
  result('draft.publish', { status: 'skipped', because: 'probe draft failed' }),
];

test('the history is a table, newest first', async () => {
  const counts = { create: 2, update: 1, replace: 1, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 };
  const generations = [
    generation(42, { outcome: 'partly', summary: counts }),
    generation(41, { outcome: null, ms: null, mode: 'down', startedAt: '2026-03-08T11:59:01.000Z' }),
  ];
  await expect(renderHistoryText(generations, NARROW)).toMatchFileSnapshot(file('history', '80.txt'));
});

test('an empty history says what to type', () => {
  expect(renderHistoryText([], NARROW)).toBe('Nothing was applied from here yet. The first: `llmops apply`.\n');
});

test('a generation tells who, when, what and how it went', async () => {
  await expect(renderGenerationText(generation(42, { outcome: 'partly', steps: STEPS }), NARROW)).toMatchFileSnapshot(
    file('generation', '80.txt'),
  );
});

test('each event is one line', async () => {
  const lines = EVENTS.map((event) => renderEventLine(event, { color: false, width: Infinity }));
  expect(lines.every((line) => !line.includes('\n'))).toBe(true);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(file('events', 'txt'));
});

test.each(['succeeded', 'partly', 'failed', 'stale', 'cancelled'] as const)(
  'an apply that ended as "%s" says what is done and what to type next',
  async (outcome) => {
    const steps =
      outcome === 'succeeded'
        ? STEPS.slice(0, 2)
        : outcome === 'stale'
          ? [result('chat.start', { status: 'skipped', because: 'the world moved' })]
          : STEPS;
    const told = renderApplyResult({ outcome, generation: outcome === 'stale' ? null : 42, steps, problems: [], ms: 62_000 }, NARROW);
    await expect(told).toMatchFileSnapshot(file(`apply ${outcome}`, '80.txt'));
  },
);

const SWAP = [
  result('chat.withdraw', { instance: 'chat-ba9876543210' }),
  result('chat.stop', { step: 'chat.stop-old', instance: 'chat-ba9876543210' }),
  result('chat.start'),
];
const NO_ROOM = {
  severity: 'error' as const,
  code: 'engine-failed',
  summary: 'It ran out of memory.',
  fix: 'lower `context` of chat',
  details: ['alloc failed'],
};

test.each([
  ['down', {}, 'chat is DOWN: its old copy was stopped and the new one failed: It ran out of memory.'],
  ['restored', { restored: { instance: 'chat-ba9876543210', url: 'http://127.0.0.1:41234' } }, 'chat: put back to what served before'],
])('a failed swap says what it left the model in, and that the same file fails again: %s', async (name, over, words) => {
  const failed = result('chat.probe', { status: 'failed', problem: NO_ROOM, ...over });
  const steps = [...SWAP, failed, result('chat.publish', { status: 'skipped', because: 'chat.probe failed' })];
  const told = renderApplyResult({ outcome: 'partly', generation: 42, steps, problems: [], ms: 62_000 }, { ...NARROW, width: 120 });
  expect(told).toContain(words);
  expect(told).toContain('Next: `llmops logs --failed chat` shows all that it said. Mend that, then `llmops plan`.');
  await expect(told).toMatchFileSnapshot(file(`apply swap ${name}`, '120.txt'));
});

test('an apply ends with the addresses of what it changed', () => {
  const steps = [result('chat.publish', { url: 'http://127.0.0.1:41595' })];
  const told = renderApplyResult({ outcome: 'succeeded', generation: 42, steps, problems: [], ms: 62_000 }, NARROW);
  expect(told).toContain('  chat  http://127.0.0.1:41595/v1\n');
});
