import { BLANK, entry, printPage, type Entry, type Looks } from '../../render/text/page.ts';
import { line, span, type Tone } from '../../render/text/lines.ts';

/** One thing that was looked at. `fail` needs mending before llmops can work, `warn` may bite later, `note` just tells. */
export interface Check {
  /** Stable, kebab-case: programs match it. */
  readonly id: string;
  readonly group: string;
  readonly status: 'ok' | 'note' | 'warn' | 'fail';
  /** One sentence. Never contains the value of an environment variable. */
  readonly summary: string;
  /** What to do about it; null: nothing. */
  readonly fix: string | null;
}

/** A check's outcome without the group that it is listed in. */
export type Finding = Omit<Check, 'group'>;

/** Makes a finding; `fix` only where something is to be done. */
export function finding(id: string, status: Check['status'], summary: string, fix: string | null = null): Finding {
  return { id, status, summary, fix };
}

/** The group's name on each finding. */
export function inGroup(group: string, findings: readonly Finding[]): readonly Check[] {
  return findings.map((found) => ({ ...found, group }));
}

const SIGNS: Readonly<Record<Check['status'], { readonly sign: string; readonly tone: Tone }>> = {
  ok: { sign: '✓ ok  ', tone: 'add' },
  note: { sign: '· note', tone: 'quiet' },
  warn: { sign: '! warn', tone: 'change' },
  fail: { sign: '✗ fail', tone: 'remove' },
};

/** The column at which sentences begin. */
const HANG = 10;

/** All checks as people read them, one group after the other. */
export function renderChecks(checks: readonly Check[], looks: Looks): string {
  const groups = [...new Set(checks.map((check) => check.group))];
  const entries = groups.flatMap((group) => [
    entry(line(span(group, 'strong'))),
    ...checks.filter((check) => check.group === group).flatMap(entriesOf),
    BLANK,
  ]);
  return printPage([...entries, entry(line(...verdict(checks)))], looks);
}

function entriesOf(check: Check): readonly Entry[] {
  const { sign, tone } = SIGNS[check.status];
  const head = entry(line('  ', span(sign, tone), `  ${check.summary}`), HANG);
  return check.fix === null ? [head] : [head, entry(line(`${' '.repeat(HANG)}→ ${check.fix}`), HANG + 2)];
}

function verdict(checks: readonly Check[]): readonly (string | ReturnType<typeof span>)[] {
  const failed = checks.filter((check) => check.status === 'fail').length;
  const warned = checks.filter((check) => check.status === 'warn').length;
  const warnings = `${warned} ${warned === 1 ? 'warning' : 'warnings'}`;
  if (failed > 0) return [span(`${failed} of ${checks.length} checks failed`, 'remove'), `, ${warnings}.`];
  return [span(`Nothing failed`, 'add'), `: ${checks.length} checks, ${warnings}.`];
}
