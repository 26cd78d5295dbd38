import type { Scalar } from '../../domain/fields.ts';
import type { ModelState, ModelStatus, SettingStatus, Status } from '../../domain/status.ts';
import { age, bytes, counted, duration, grouped } from '../format/units.ts';
import { baseName, value } from '../format/values.ts';
import { endedWords, labelled, observedEntry } from '../plan/header.ts';
import type { Column } from '../text/table.ts';
import { tableLines } from '../text/table.ts';
import type { Entry, Looks } from '../text/page.ts';
import { BLANK, entry, printPage } from '../text/page.ts';
import type { Span, Tone } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';
import { daemonEntries, heldEntries } from './daemon.ts';
import { strangerEntries } from './foreign.ts';

/** How a status is to look. `wide`: more columns, for a wide screen. */
export interface StatusLooks extends Looks {
  /** ISO 8601; default: the time the status was made. */
  readonly now?: string | null;
  readonly wide?: boolean;
}

/** The status for people: the stack, one row per model, and a reason below each one that is not fine. */
export function renderStatusText(status: Status, looks: StatusLooks): string {
  const now = looks.now ?? status.at;
  const foreign = strangerEntries(status.foreign, looks.wide ?? false);
  const table =
    status.models.length === 0 ? [entry(line('No model is declared, and none of ours runs.'))] : tableEntries(status.models, now, looks);
  return printPage([...headEntries(status, now), BLANK, ...table, ...(foreign.length > 0 ? [BLANK, ...foreign] : [])], looks);
}

function headEntries(status: Status, now: string): readonly Entry[] {
  const { declared, ready, serving } = status.summary;
  // Users ask first whether they are served; that it is not as declared comes second.
  const also = serving > ready ? `, ${grouped(serving)} serving` : '';
  const parts = [
    status.stack,
    ...(status.file === null ? [] : [status.file]),
    ...(status.environment === null ? [] : [`env ${status.environment}`]),
  ];
  const rows = [
    labelled(
      'Stack',
      parts.join('   '),
      '   ',
      status.revision === null
        ? span(unreadWords(status), 'change')
        : span(`${grouped(ready)} of ${grouped(declared)} ready${also}`, ready === declared ? 'add' : 'change'),
    ),
    labelled('Applied', appliedWords(status, now)),
    observedEntry('Backends', status.backends),
  ];
  const changing = status.holder === null ? [] : [labelled('Changing', span(status.holder, 'note'))];
  const keeper = status.daemon === null ? supervisorEntries(status, now) : daemonEntries(status.daemon, now);
  return [...rows, ...keeper, ...(status.held === null ? [] : heldEntries(status.held)), ...changing];
}

/** Without a file nobody knows what should run; what serves can be counted all the same. */
function unreadWords({ models }: Status): string {
  const serving = models.filter(({ phase, published }) => phase === 'serving' && published).length;
  return `${grouped(serving)} of ${counted(models.length, 'model')} serving; the file cannot be used, so what should run is not known`;
}

/** Whether what is down comes back by itself. Where nothing is down and nobody supervises, nobody asks. */
function supervisorEntries({ supervisor, models }: Status, now: string): readonly Entry[] {
  if (supervisor !== null) {
    const ago = age(supervisor.since, now);
    return [labelled('Watched', `by pid ${supervisor.pid} (${supervisor.who})${ago === null ? '' : `, for ${ago}`}`)];
  }
  const isDown = models.some(({ state, generation }) => (state === 'failed' || state === 'absent') && generation !== null);
  return isDown ? [labelled('Watched', 'by nobody: what ended stays down until an apply (see `llmops up`)')] : [];
}

function appliedWords(status: Status, now: string): string {
  const { applied } = status;
  const ago = applied === null ? null : age(applied.at, now);
  const what = applied === null ? 'nothing yet' : lastWords(applied, ago);
  const synced = status.conditions.find((condition) => condition.type === 'Synced');
  if (synced?.status !== 'False') return what;
  return `${what}; ${synced.reason === 'Blocked' ? synced.message : `${baseName(status.file ?? 'llmops.yaml')} and what runs differ: llmops plan`}`;
}

function lastWords({ generation, endedBy }: NonNullable<Status['applied']>, ago: string | null): string {
  if (endedBy !== undefined) return `nothing now: ${endedWords(endedBy, generation, ago === null ? '' : `${ago} ago`)}`;
  return `generation ${generation}${ago === null ? '' : `, ${ago} ago`}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'MODEL', shrinks: 'end' },
  { title: 'STATE' },
  { title: 'WANT' },
  { title: 'CONFIGURED' },
  { title: 'LOADED' },
  { title: 'AGE' },
  { title: 'ENDPOINT', shrinks: 'start' },
];
const WIDE: readonly Column[] = [
  { title: 'BACKEND' },
  { title: 'MEMORY' },
  { title: 'ACTIVE' },
  { title: 'GEN' },
  { title: 'KV' },
  { title: 'DIGEST' },
  { title: 'INSTANCE' },
];

function tableEntries(models: readonly ModelStatus[], now: string, looks: StatusLooks): readonly Entry[] {
  const columns = looks.wide ? [...COLUMNS, ...WIDE] : COLUMNS;
  const rows = models.map((model) => [...cells(model, now), ...(looks.wide ? wideCells(model) : [])]);
  const [title, ...lines] = tableLines(columns, rows, looks.wide ? Infinity : looks.width);
  // A table is not wrapped: a broken row reads worse than a long one.
  const row = (content: typeof title): Entry => ({ ...entry(content ?? []), whole: true });
  return [row(title), ...models.flatMap((model, index) => [row(lines[index]), ...whyEntries(model, now)]), ...legend(models)];
}

const TONES: Readonly<Record<ModelState, Tone>> = {
  ready: 'add',
  starting: 'note',
  drifted: 'change',
  outdated: 'change',
  unsettled: 'note',
  unmanaged: 'note',
  removed: 'change',
  absent: 'remove',
  failed: 'remove',
  blocked: 'remove',
  unknown: 'remove',
};

function cells(model: ModelStatus, now: string): readonly Span[] {
  const texts = [shape(model, 'desired'), shape(model, 'configured'), shape(model, 'loaded'), age(model.startedAt, now) ?? '-'];
  const endpoint =
    model.endpoint === null
      ? span('-')
      : span(model.published ? `${model.endpoint}/v1` : `(${model.endpoint}/v1)`, model.published ? 'plain' : 'quiet');
  return [span(model.name, 'strong'), span(model.state, TONES[model.state]), ...texts.map((text) => span(text)), endpoint];
}

/** Context × parallel: what a reader asks first, and what engines reset most. */
function shape(model: ModelStatus, side: Side): string {
  const one = (field: string) =>
    sideText(
      model.settings.find((setting) => setting.field === field),
      side,
    );
  const [context, parallel] = [one('context'), one('parallel')];
  return context === '-' && parallel === '-' ? '-' : `${context}×${parallel}`;
}

type Side = 'desired' | 'configured' | 'loaded';

function sideText(setting: SettingStatus | undefined, side: Side): string {
  const scalar: Scalar | undefined = setting?.[side];
  if (scalar === undefined) return '-';
  // Null on the loaded side is no wish: the engine does not tell.
  if (scalar === null) return side === 'loaded' ? '?' : 'auto';
  return value(setting?.field ?? '', scalar);
}

function wideCells(model: ModelStatus): readonly Span[] {
  const find = (field: string) => model.settings.find((setting) => setting.field === field);
  const best = (field: string) => {
    const loaded = sideText(find(field), 'loaded');
    return loaded === '-' || loaded === '?' ? sideText(find(field), 'configured') : loaded;
  };
  const memory = model.memoryBytes === null ? '-' : bytes(model.memoryBytes);
  const texts = [
    model.backend,
    memory,
    String(model.activeRequests ?? '-'),
    String(model.generation ?? '-'),
    best('kvCache'),
    best('digest'),
    model.instance ?? '-',
  ];
  return texts.map((text) => span(text));
}

function whyEntries(model: ModelStatus, now: string): readonly Entry[] {
  const copies = model.copies.length === 0 ? [] : [entry(line('  └ ', span(`also running: ${model.copies.join(', ')}`, 'quiet')), 4)];
  if (model.why === null) return [...copies, ...retryEntries(model, now)];
  const fix = model.fix === null ? [] : [` → ${model.fix}`];
  const differing = model.settings.filter(differs).slice(0, 4);
  const rows = differing.map((setting) => {
    const sides = (['desired', 'configured', 'loaded'] as const).map((side) => `${WORDS[side]} ${sideText(setting, side)}`);
    return entry(line('    ', span(`${setting.field}: ${sides.join(', ')}`, 'quiet')), 6);
  });
  return [entry(line('  └ ', `${model.why}${lastSign(model, now)}`, ...fix), 4), ...rows, ...retryEntries(model, now), ...copies];
}

function retryEntries({ retry, why }: ModelStatus, now: string): readonly Entry[] {
  if (retry === undefined) return [];
  const left = Math.max(0, Date.parse(retry.nextAt) - Date.parse(now));
  const told = why === null ? `: ${retry.why}` : '';
  return [entry(line('  └ ', span(`started anew in ${duration(left)}; ended ${counted(retry.times, 'time')} in a row${told}`, 'note')), 4)];
}

/** When it was last known to live, as near as anybody knows. */
function lastSign({ lastAliveAt }: ModelStatus, now: string): string {
  const ago = lastAliveAt === undefined ? null : age(lastAliveAt, now);
  return ago === null ? '' : ` Last sign of life: ${ago} ago.`;
}

const WORDS: Readonly<Record<Side, string>> = { desired: 'want', configured: 'configured', loaded: 'loaded' };

/** True if two sides say something, and not the same. */
function differs(setting: SettingStatus): boolean {
  const said = [setting.desired, setting.configured, setting.loaded].filter((scalar) => scalar !== undefined && scalar !== null);
  return new Set(said).size > 1;
}

function legend(models: readonly ModelStatus[]): readonly Entry[] {
  const hidden = models.some((model) => model.endpoint !== null && !model.published) ? '; (endpoint): clients are not sent there' : '';
  return [BLANK, entry(line(span(`WANT, CONFIGURED, LOADED: context × parallel requests${hidden}`, 'quiet')))];
}

/** The status as a JSON document: plain data already, described by schemas/status.schema.json. */
export function statusDocument(status: Status): Status {
  return status;
}
