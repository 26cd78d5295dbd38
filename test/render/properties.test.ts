import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderDiffText, renderPlanMarkdown, renderPlanText, renderTextDiff } from '../../src/render/index.ts';
import { textWidth } from '../../src/render/text/width.ts';
import { gentlePlans, hostilePlans } from './arbitrary.ts';
import { keep, plan, surgeSteps, update } from './plans.ts';

const widths = fc.integer({ min: 60, max: 200 });
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

describe('any plan as text', () => {
  test('has no line wider than the screen, but for the summary that programs read', () => {
    fc.assert(
      fc.property(gentlePlans, widths, (one, width) => {
        const lines = renderPlanText(one, { color: false, width }).split('\n');
        expect(lines.filter((line) => textWidth(line) > width && !/^(Plan|Drift|No changes)/.test(line))).toEqual([]);
      }),
    );
  });

  test('sends nothing to the terminal that it would obey, whatever names and messages hold', () => {
    fc.assert(fc.property(hostilePlans, widths, (one, width) => !CONTROL.test(renderPlanText(one, { color: false, width }))));
  });

  test('carries the same words with and without colour', () => {
    fc.assert(
      fc.property(hostilePlans, (one) => {
        const colored = renderPlanText(one, { color: true, width: 80 });
        expect(colored.replaceAll(/\x1b\[\d+m/g, '').replaceAll(/ +$/gm, '')).toBe(renderPlanText(one, { color: false, width: 80 }));
      }),
    );
  });

  test('is the same bytes for the same plan', () => {
    fc.assert(
      fc.property(
        hostilePlans,
        (one) => renderPlanText(one, { color: true, width: 80 }) === renderPlanText(structuredClone(one), { color: true, width: 80 }),
      ),
    );
  });

  test('does not break when the screen is absurdly narrow or endless', () => {
    fc.assert(
      fc.property(hostilePlans, (one) => {
        for (const width of [1, 10, Infinity]) expect(renderPlanText(one, { color: false, width })).toMatch(/\n$/);
      }),
      { numRuns: 30 },
    );
  });

  test('names every model that changes', () => {
    fc.assert(
      fc.property(gentlePlans, (one) => {
        const text = renderPlanText(one, { color: false, width: 80 });
        for (const change of one.changes) if (change.action !== 'keep') expect(text).toContain(`# model.${change.model}`);
      }),
    );
  });
});

describe('any plan as a pull-request comment', () => {
  test('keeps users inside their cells and fences', () => {
    fc.assert(
      fc.property(hostilePlans, (one) => {
        const lines = renderPlanMarkdown(one).split('\n');
        expect(lines.filter((line) => line === '</details>')).toHaveLength(1);
        const fence = lines.find((line) => /^`{3,}text$/.test(line))?.slice(0, -4) ?? 'none';
        expect(lines.filter((line) => line.trim() === fence)).toHaveLength(1);
        for (const row of lines.slice(0, lines.indexOf(`${fence}text`)).filter((line) => line.startsWith('| `')))
          expect(row.match(/\|/g)).toHaveLength(6);
      }),
    );
  });

  test.each([10_000, 300])('stays below the limit of GitHub for %i models and says how many are not shown', (count) => {
    const models = Array.from({ length: count }, (_, index) => `model-${index}-with-a-rather-long-name`);
    const many = plan({
      changes: models.map((name) => update({ model: name })),
      steps: models.flatMap(surgeSteps),
      summary: { ...plan().summary, update: count },
    });
    const text = renderPlanMarkdown(many);
    expect(text.length).toBeLessThan(65_536);
    const shown = text.match(/^\| `/gm)?.length ?? 0;
    const left = /… ([\d,]+) changes more not shown/.exec(text)?.[1]?.replaceAll(',', '');
    expect(shown + Number(left ?? 0)).toBe(count);
  });

  test('stays below a limit that is asked for', () => {
    fc.assert(
      fc.property(hostilePlans, fc.integer({ min: 4000, max: 20_000 }), (one, limit) => renderPlanMarkdown(one, { limit }).length <= limit),
    );
  });
});

test('a plan of 10,000 unchanged models is one short page', () => {
  const changes = Array.from({ length: 10_000 }, (_, index) => keep({ model: `m${index}`, unverified: ['kvCache'] }));
  const text = renderPlanText(plan({ changes }), { color: false, width: 80 });
  expect(text.split('\n').length).toBeLessThan(20);
  expect(text).toContain('and 9,998 others');
});

describe('a diff of two texts', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'models:', '  chat:'), { maxLength: 40 });

  test('rebuilds both texts', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const looks = { color: false, width: 80, before: 'a', after: 'b' };
        const text = renderTextDiff(asText(before), asText(after), looks);
        if (asText(before) === asText(after)) expect(text).toBe('');
        else expect(patched(before, text)).toEqual(after);
      }),
    );
  });

  test('answers for texts that have nothing in common', () => {
    expect(renderTextDiff(manyLines('a'), manyLines('b'), { color: false, width: 80, before: 'a', after: 'b' }).split('\n')).toHaveLength(
      10_004,
    );
  });

  test('is empty where nothing changes', () => {
    expect(renderDiffText(plan({ changes: [keep()] }), { color: false, width: 80 })).toBe('');
  });
});

function manyLines(letter: string): string {
  return Array.from({ length: 5000 }, (_, index) => `${letter}${index}\n`).join('');
}

function asText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Applies a unified diff, as patch(1) does. */
function patched(before: readonly string[], diff: string): readonly string[] {
  const after: string[] = [];
  let at = 0;
  for (const line of diff.split('\n').slice(2, -1)) {
    const hunk = /^@@ -(\d+),(\d+)/.exec(line);
    if (hunk) {
      const start = Number(hunk[2]) === 0 ? Number(hunk[1]) : Number(hunk[1]) - 1;
      after.push(...before.slice(at, start));
      at = start;
      continue;
    }
    if (line.startsWith('+') || line.startsWith(' ') || line === '') after.push(line.slice(1));
    if (!line.startsWith('+')) {
      expect(before[at]).toBe(line.slice(1));
      at += 1;
    }
  }
  return [...after, ...before.slice(at)];
}
