import type { Change, Plan } from '../../domain/plan.ts';
import { value } from '../format/values.ts';
import type { Line, Tone } from '../text/lines.ts';
import { line, paint, span } from '../text/lines.ts';
import type { Looks } from '../text/page.ts';
import type { DiffLine } from './lines.ts';
import { diffLines } from './lines.ts';

const CONTEXT = 3;
const TONES: Readonly<Record<DiffLine['mark'], Tone>> = { ' ': 'plain', '-': 'remove', '+': 'add' };

/**
 * What runs against what is declared, in the unified style of diff(1): one hunk for each model. Empty if nothing
 * differs. Lines are never wrapped, so that the text stays a diff.
 */
export function renderDiffText(plan: Plan, looks: Looks): string {
  const hunks = plan.changes.flatMap(hunkOf);
  if (hunks.length === 0) return '';
  return printed([line(span(`--- running, as observed`, 'strong')), line(span(`+++ ${plan.file}`, 'strong')), ...hunks], looks);
}

function hunkOf(change: Change): readonly Line[] {
  if (change.action === 'keep') return [];
  const title = line(
    span(`@@ model.${change.model} on ${change.backend} @@`, 'note'),
    ` ${change.action === 'blocked' ? change.problem.summary : change.cause}`,
  );
  if (change.action === 'blocked') return [title];
  if (change.action === 'adopt') return [];
  if (change.action === 'delete') return [title, removed(`model.${change.model}`)];
  if (change.action === 'create') {
    return [
      title,
      added(`model.${change.model}`),
      ...change.fields.filter((field) => field.to !== null).map((field) => added(`  ${field.field}: ${whole(field.field, field.to)}`)),
    ];
  }
  const rows = change.fields.flatMap((field) => [
    removed(`  ${field.field}: ${whole(field.field, field.from)}`),
    added(`  ${field.field}: ${whole(field.field, field.to)}`),
  ]);
  return [title, line(` model.${change.model}`), ...rows];
}

/** Digests in full: two of them must never look the same in a diff. */
function whole(field: string, scalar: Parameters<typeof value>[1]): string {
  return field === 'digest' && typeof scalar === 'string' ? `sha256:${scalar}` : value(field, scalar);
}

function removed(text: string): Line {
  return line(span(`-${text}`, 'remove'));
}

function added(text: string): Line {
  return line(span(`+${text}`, 'add'));
}

/** Two texts in the unified format of diff(1) with three lines around each difference; empty if they are equal. */
export function renderTextDiff(before: string, after: string, looks: Looks & { readonly before: string; readonly after: string }): string {
  const lines = diffLines(linesOf(before), linesOf(after));
  const hunks = hunksOf(lines);
  if (hunks.length === 0) return '';
  return printed([line(span(`--- ${looks.before}`, 'strong')), line(span(`+++ ${looks.after}`, 'strong')), ...hunks], looks);
}

function linesOf(text: string): readonly string[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function hunksOf(lines: readonly DiffLine[]): readonly Line[] {
  const ranges: { from: number; to: number }[] = [];
  lines.forEach(({ mark }, index) => {
    if (mark === ' ') return;
    const last = ranges.at(-1);
    if (last && index - CONTEXT <= last.to) last.to = index + CONTEXT + 1;
    else ranges.push({ from: Math.max(0, index - CONTEXT), to: index + CONTEXT + 1 });
  });
  const numbers = lineNumbers(lines);
  return ranges.flatMap(({ from, to }) => {
    const part = lines.slice(from, to);
    const start = numbers[from] ?? { before: 0, after: 0 };
    return [hunkHeader(start, part), ...part.map(({ mark, text }) => line(span(`${mark}${text}`, TONES[mark])))];
  });
}

/** For each line, how many lines of either text stand before it. */
function lineNumbers(lines: readonly DiffLine[]): readonly { readonly before: number; readonly after: number }[] {
  let before = 0;
  let after = 0;
  return lines.map(({ mark }) => {
    const here = { before, after };
    if (mark !== '+') before += 1;
    if (mark !== '-') after += 1;
    return here;
  });
}

function hunkHeader(start: { readonly before: number; readonly after: number }, part: readonly DiffLine[]): Line {
  const before = part.filter(({ mark }) => mark !== '+').length;
  const after = part.filter(({ mark }) => mark !== '-').length;
  return line(span(`@@ -${firstLine(start.before, before)},${before} +${firstLine(start.after, after)},${after} @@`, 'note'));
}

/** A range without lines names the line before it. Source: POSIX, diff -u. */
function firstLine(at: number, count: number): number {
  return count === 0 ? at : at + 1;
}

function printed(lines: readonly Line[], looks: Looks): string {
  return `${lines.map((row) => paint(row, looks.color)).join('\n')}\n`;
}
