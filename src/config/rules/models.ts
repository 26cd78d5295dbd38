import { PORTABLE_FIELDS } from '../../domain/fields.ts';
import { QUANTIZATIONS, rankOf } from '../../domain/quantization.ts';
import { child, entries, find, items, scalar, spot, text, type Located } from '../located.ts';
import type { Finding } from '../report.ts';
import { nearest } from '../suggest.ts';
import { parseSource, SPELLING } from '../source.ts';
import { TIMED_INDICATORS } from '../vocabulary.ts';
import { optionSchema } from '../walk.ts';
import { quoted } from '../wording.ts';
import type { RuleContext } from './index.ts';

/** Sources are spelled as their scheme wants it. */
export function sourceRule({ root, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = child(model, 'source');
    const source = text(located);
    const expected = SPELLING[source?.slice(0, source.indexOf(':')) ?? ''];
    if (located === undefined || source === undefined || expected === undefined || parseSource(source) !== null) continue;
    const fix = meantSource(source);
    findings.add({
      code: 'invalid-source',
      summary: `\`models.${name}.source\` is ${quoted(source)}`,
      expected,
      ...(fix !== undefined && { fix }),
      at: spot(located),
    });
  }
}

/** A revision belongs to a repository, and is said once. */
export function revisionRule({ root, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = child(model, 'revision');
    const source = text(child(model, 'source')) ?? '';
    if (located === undefined || text(located) === undefined) continue;
    const scheme = source.slice(0, source.indexOf(':') + 1);
    const twice = /^hf:[^/]*\/[^/]*@/.test(source);
    if (scheme === 'hf:' && !twice) continue;
    findings.add({
      code: 'conflicting-keys',
      summary: twice
        ? `\`models.${name}\` says its revision twice, in \`source\` and in \`revision\``
        : `\`models.${name}.revision\` has no meaning with a source that begins with ${quoted(scheme)}`,
      expected: twice ? 'one of them' : 'a `revision` with `hf:` sources only',
      fix: twice ? 'Remove one.' : 'Remove it.',
      at: spot(located),
    });
  }
}

/** What was probably meant: slips that other tools' habits lead to. */
function meantSource(source: string): string | undefined {
  if (source.startsWith('file://')) return `Write \`file:${source.slice('file://'.length)}\`.`;
  const [, repo, quantization] = /^(hf:[\w.-]+\/[\w.-]+):([\w.-]+)$/.exec(source) ?? [];
  if (repo !== undefined) return `Write \`source: ${repo}\` and \`quantization: ${quantization}\`.`;
  if (source.startsWith('http://')) return 'Write `https://`: only this machine itself is asked without encryption.';
  return undefined;
}

/** A floor can be compared, and what is preferred is good enough. */
export function quantizationRule({ root, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = find(model, 'quantization', 'atLeast');
    const floor = text(located);
    if (located === undefined || floor === undefined) continue;
    const least = rankOf(floor);
    if (least === null) findings.add(unrankedFloor(name, floor, located));
    for (const item of items(find(model, 'quantization', 'prefer'))) {
      const rank = rankOf(text(item) ?? '');
      if (least === null || rank === null || rank <= least) continue;
      findings.add({
        code: 'conflicting-keys',
        summary: `\`models.${name}.quantization\` prefers ${text(item)}, which is coarser than its \`atLeast: ${floor}\``,
        expected: `${floor} or finer`,
        fix: 'Remove it from `prefer`, or lower `atLeast`.',
        at: spot(item),
      });
    }
  }
}

function unrankedFloor(name: string, floor: string, at: Located): Finding {
  return {
    code: 'unknown-value',
    summary: `\`models.${name}.quantization.atLeast\` is ${floor}, and what is finer than that is not known`,
    expected: `one of ${QUANTIZATIONS.join(', ')}`,
    fix: `Name what is acceptable, best first: \`quantization: [Q6_K, ${floor}]\`.`,
    at: spot(at),
  };
}

/** `drift.fields` names fields as plans do. */
export function driftFieldRule({ root, backends, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const fields = entries(find(model, 'drift', 'fields'));
    if (fields.length === 0) continue;
    const options = optionSchema(backends.get(text(child(model, 'backend')) ?? ''));
    const known = [
      ...PORTABLE_FIELDS,
      ...Object.keys((options?.['properties'] as object | undefined) ?? {}).map((key) => `options.${key}`),
    ];
    for (const [field, located] of fields) {
      if (known.includes(field)) continue;
      const guess = nearest(field, known);
      findings.add({
        code: 'unknown-field',
        summary: `\`models.${name}.drift.fields\` names ${quoted(field)}`,
        expected: `one of ${known.join(', ')}`,
        fix: guess === null ? 'Remove it.' : `Did you mean \`${guess}\`?`,
        at: located.key ?? located.at,
      });
    }
  }
}

/** A threshold is a time for times, a number for throughput, and nothing for the rest. */
export function sloThresholdRule({ root, findings }: RuleContext): void {
  for (const [name, slo] of entries(find(root, 'slos'))) {
    const indicator = child(slo, 'indicator');
    const use = text(child(indicator, 'use'));
    const threshold = child(indicator, 'threshold');
    if (use === undefined || indicator === undefined) continue;
    const wanted = TIMED_INDICATORS.includes(use) ? 'string' : use === 'throughput' ? 'number' : 'undefined';
    const expected = wanted === 'string' ? 'a time: 1.5s' : wanted === 'number' ? 'tokens per second: 20' : 'no threshold';
    if (typeof given(threshold) === wanted) continue;
    if (threshold === undefined)
      findings.add({
        code: 'missing-key',
        summary: `\`slos.${name}.indicator\` has no \`threshold\``,
        expected,
        fix: 'Add `threshold: ...`.',
        at: indicator.key ?? indicator.at,
      });
    else if (threshold.node.kind === 'scalar')
      findings.add({
        code: 'wrong-threshold',
        summary: `\`slos.${name}.indicator.threshold\` does not suit ${use}`,
        expected,
        at: spot(threshold),
      });
  }
}

function given(located: Located | undefined): unknown {
  return scalar(located) ?? undefined;
}
