import type { Wanted } from '../../domain/backend.ts';
import type { Fields } from '../../domain/fields.ts';
import type { Candidate, ObservedInstance } from '../../domain/observed.ts';
import { mapBounded } from '../../domain/bounded.ts';
import { configuredOf, declaredParameters, fieldsOf, isLoadField, isLoadOption, loadedOf, parametersText } from './fields.ts';
import { otherHold } from './hold.ts';
import { holdsOn } from './holds.ts';
import { baseName, fullName, isOurs, shortName, tagName } from './names.ts';
import { lookIntoRows, readStore, type Store } from './observe.ts';
import { blobOfRow, markOf, runnerOf, showTag, tagNamed, type Parts } from './parts.ts';
import { ownerWords } from './problems.ts';
import type { Row, Shown, Tag } from './shown.ts';

const ASK_AT_ONCE = 8;

/** A model of somebody else's, with what it is made of. */
interface Stranger {
  readonly tag: Tag;
  readonly shown: Shown;
}

/** The identity of a model that is not ours, in plans. */
export function strangerId({ name, digest }: Pick<Tag, 'name' | 'digest'>): string {
  return `${shortName(name)}@${digest.slice(0, 12)}`;
}

/**
 * Models on the server that have the weights of declared ones and that llmops did not make. Each is read as if one of ours had been
 * made with its settings: what it has from its own base is nothing that somebody set. Changes nothing.
 */
export async function findCandidates(models: readonly Wanted[], parts: Parts, signal: AbortSignal): Promise<readonly Candidate[]> {
  const store = await readStore(parts, signal);
  await lookIntoRows(store, parts, signal);
  const others = store.tags.filter(({ name }) => !isOurs(name));
  const all = await mapBounded(others, ASK_AT_ONCE, async (tag) => ({ tag, shown: await showTag(tag, parts, signal) }));
  // A name that llmops gave to clients leads to a model with its mark: that is no stranger's, whichever stack's it is.
  const strangers = all.flatMap((each): Stranger[] =>
    each.shown === null || markOf(each.shown) !== null ? [] : [{ ...each, shown: each.shown }],
  );
  const perModel = models.map(async (wanted) => {
    const base = await baseOf(wanted, store, parts, signal);
    const sharing = strangers.filter((each) => each.shown.blob === blobOf(wanted) && !isElsewhere(each, wanted, store, parts));
    return sharing.map((stranger) => candidateOf(stranger, wanted, { base, store, parts })).sort(byName(wanted));
  });
  return (await Promise.all(perModel)).flat();
}

/** This stack took it over already, for another model. */
function isElsewhere({ tag }: Stranger, { model }: Wanted, { tags }: Store, { stackId }: Parts): boolean {
  return holdsOn(tag, tags).some((hold) => hold.stackId === stackId && hold.model !== model.name.toLowerCase());
}

/** Digest of the (first) weight blob, hex. */
function blobOf({ artifact }: Wanted): string {
  return artifact.remote?.files[0]?.sha256 ?? artifact.sha256;
}

/** The pristine weights as they were pinned, under whatever name the server has them; null: it does not, or nothing is pinned. */
async function baseOf({ artifact }: Wanted, { tags }: Store, parts: Parts, signal: AbortSignal): Promise<Shown | null> {
  const manifest = artifact.remote?.manifest ?? null;
  const tag = manifest === null ? tagNamed(baseName(artifact.sha256), tags) : pinnedTag(manifest, tags);
  return tag && showTag(tag, parts, signal);
}

/** A name of the very manifest that is pinned. */
export function pinnedTag(manifest: string, tags: readonly Tag[]): Tag | null {
  return tags.find(({ digest }) => digest === manifest) ?? null;
}

/** The one that clients call by the model's name first, then the one that its source names. */
function byName({ model }: Wanted): (a: Candidate, b: Candidate) => number {
  const source = model.source.kind === 'ollama' ? fullName(tagName(model.source)) : null;
  const rank = ({ copy }: Candidate): number => {
    const name = copy.names?.[0] ?? '';
    if (fullName(name) === fullName(model.name)) return 0;
    if (plain(name) === plain(model.name)) return 1;
    return source === fullName(name) ? 2 : 3;
  };
  return (a, b) => rank(a) - rank(b) || (a.copy.id < b.copy.id ? -1 : 1);
}

/** `Qwen3:8b` and `qwen3-8b` are one name to people. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

interface Around {
  readonly base: Shown | null;
  readonly store: Store;
  readonly parts: Parts;
}

function candidateOf({ tag, shown }: Stranger, { model, artifact }: Wanted, { base, store, parts }: Around): Candidate {
  const row = runnerOf(tag.digest, shown, store.rows, parts);
  const settings = settingsOf({ tag, shown }, { model, artifact }, base);
  const configured: Fields = { ...(row === null ? withoutOpenLoad(settings) : settings), digest: artifact.sha256 };
  const answers = row !== null || model.load === 'on-demand';
  const copy: ObservedInstance = {
    id: strangerId(tag),
    owner: 'foreign',
    backend: parts.spec.name,
    model: shortName(tag.name),
    specHash: null,
    phase: answers ? 'serving' : 'starting',
    endpoint: parts.client.url,
    names: [shortName(tag.name)],
    configured,
    loaded: row && loadedOf(row, configured, shown.layers),
    activeRequests: null,
    memoryBytes: row?.bytes || null,
    startedAt: null,
    process: null,
    logFile: null,
    problem: null,
  };
  const found = { tag, shown, row, answers };
  const warning = answers ? null : `${copy.id} is on the server and not in memory; taking it over loads it.`;
  return { model: model.name, copy, obstacle: obstacleOf(found, artifact, { base, store, parts }), warning };
}

/** What is not in memory has no load options but those that it was made with: the others are nobody's to differ from. */
function withoutOpenLoad(settings: Fields): Fields {
  return Object.fromEntries(Object.entries(settings).filter(([field, value]) => value !== null || !isLoadField(field)));
}

/**
 * What was set on top of the base. What differs from it there and stands in no key counts too, so that nothing is lost; what the
 * server alone knows (`parallel`, `kvCache`) and how long it stays are told by no model.
 */
function settingsOf({ shown }: Stranger, { model, artifact }: Wanted, base: Shown | null): Fields {
  const wish = fieldsOf(model, artifact);
  const declared = Object.keys(declaredParameters(model.options));
  const changed = Object.keys(shown.parameters).filter(
    (name) => !isLoadOption(name) && !same(shown.parameters[name], base?.parameters[name]),
  );
  const names = [...new Set([...declared, ...changed])];
  const told = configuredOf(shown, names);
  const before = base === null ? {} : configuredOf(base, []);
  const own = Object.entries(told).map(([field, value]) => {
    const isInherited = (wish[field] ?? null) === null && field !== 'options.parameters' && same(value, before[field]);
    return [field, isInherited ? null : value] as const;
  });
  const kept = names.flatMap((name) => (shown.parameters[name] === undefined ? [] : [[name, shown.parameters[name]] as const]));
  return { ...Object.fromEntries(own), 'options.parameters': parametersText(Object.fromEntries(kept)) };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

interface Found extends Stranger {
  readonly row: Row | null;
  readonly answers: boolean;
}

function obstacleOf({ tag, shown, row, answers }: Found, { remote }: Wanted['artifact'], { base, store, parts }: Around): string | null {
  const owner = otherHold(tag, store.tags, parts);
  if (owner !== null) return `belongs to ${ownerWords(owner)}`;
  const extra = shown.extras.find((each) => !base?.extras.includes(each));
  if (extra !== undefined) return `brings ${extra}, for which llmops has no key on Ollama`;
  if (base === null && remote?.manifest != null) return 'was made from another manifest than the one that is pinned';
  if (!answers && store.rows.some((each) => blobOfRow(each, parts) === shown.blob))
    return 'is not in memory, and its weights are, with the load options of another model: one would throw the other out';
  return row === null || row.context !== null ? null : 'is in memory, and the server does not tell with which context';
}
