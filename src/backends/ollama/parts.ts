import type { DriverContext } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import type { Clock } from '../kit/clock.ts';
import type { Found } from '../kit/parts.ts';
import { readInstanceMark, type InstanceMark } from './marker.ts';
import { holdsOn } from './holds.ts';
import { baseKey, fullName, isOurs, parseDerived, shortName, type Derived } from './names.ts';
import { configuredOf, sameRunner } from './fields.ts';
import type { Notes } from './notes.ts';
import type { Client } from './client.ts';
import type { Row, Shown, Tag } from './shown.ts';

/** What the pieces of the driver share. */
export interface Parts {
  readonly spec: BackendSpec;
  readonly context: DriverContext;
  readonly client: Client;
  readonly clock: Clock;
  readonly notes: Notes;
  readonly stackId: string;
  /** Of {@link Derived}. */
  readonly backendId: string;
  /** What was shown of models, by the digest of their manifests: what a digest stands for never changes. */
  readonly shown: Map<string, Shown>;
  /** The server, where llmops serves it itself; null: it is there without us. */
  readonly own: OwnServer | null;
}

/** What is known of a server that llmops serves, as it was when somebody looked last. */
export interface OwnServer {
  /** null: it does not run. */
  running: Found | null;
}

/** A model that llmops made for a copy, on the server's list. */
export interface Ours {
  readonly tag: Tag;
  readonly derived: Derived;
  /** `<model>-<spec hash>` */
  readonly id: string;
}

/** The copies of this stack and backend. */
export function oursIn(tags: readonly Tag[], { stackId, backendId }: Pick<Parts, 'stackId' | 'backendId'>): readonly Ours[] {
  return tags.flatMap((tag) => {
    const derived = parseDerived(tag.name);
    if (derived === null || derived.stackId !== stackId || derived.backendId !== backendId) return [];
    return [{ tag, derived, id: `${derived.model}-${derived.specHash}` }];
  });
}

/** One copy by id, freshly looked for; null: it is not there. */
export async function findOurs(id: string, parts: Parts, signal: AbortSignal): Promise<Ours | null> {
  return oursIn(await parts.client.tags(signal), parts).find((each) => each.id === id) ?? null;
}

/** What a model on the list is made of; null: it is gone meanwhile. */
export async function showTag(
  { name, digest }: Tag,
  { client, shown }: Pick<Parts, 'client' | 'shown'>,
  signal: AbortSignal,
): Promise<Shown | null> {
  const known = shown.get(digest);
  if (known !== undefined) return known;
  const fresh = await client.show(name, signal);
  if (fresh !== null) shown.set(digest, fresh);
  return fresh;
}

/** The entry of that name, however it is written. */
export function tagNamed(name: string, tags: readonly Tag[]): Tag | null {
  return tags.find((tag) => fullName(tag.name) === fullName(name)) ?? null;
}

/** Names that clients can send to reach this manifest, besides the ones that llmops keeps for itself. */
export function aliasesOf(digest: string, tags: readonly Tag[]): readonly string[] {
  return tags.filter((tag) => tag.digest === digest && !isOurs(tag.name)).map((tag) => shortName(tag.name));
}

/**
 * True if a name that clients send was given by this stack: it stands for one of its copies, on whatever backend, or for one that
 * is gone and whose mark it carries. What a user made from one of ours under that name is the user's.
 */
export async function isOurAlias(alias: Tag, tags: readonly Tag[], parts: Parts, signal: AbortSignal): Promise<boolean> {
  const copies = tags.filter((tag) => parseDerived(tag.name)?.stackId === parts.stackId);
  if (copies.some(({ digest }) => digest === alias.digest)) return true;
  // What was being taken over when a run was cut off is kept under a name of ours.
  if (holdsOn(alias, tags).some(({ kind, stackId }) => kind === 'original' && stackId === parts.stackId)) return true;
  if (alias.parent === null || baseKey(alias.parent) === null) return false; // made from a copy of ours, and not one
  const mark = markOf(await showTag(alias, parts, signal));
  if (mark === null || mark.stackId !== parts.stackId || mark.model !== shortName(alias.name)) return false;
  return !copies.some(({ name }) => parseDerived(name)?.specHash === mark.specHash);
}

/** The mark of a model that was shown. */
export function markOf(shown: Shown | null): InstanceMark | null {
  return shown && readInstanceMark(shown.license);
}

/**
 * The weight blob of a runner, found by its manifest and never by its name alone; null: nobody can tell. May be the first 12
 * digits only.
 */
export function blobOfRow(row: Row, { shown, notes }: Pick<Parts, 'shown' | 'notes'>): string | null {
  return shown.get(row.digest)?.blob ?? notes.blobOf(row.digest) ?? parseDerived(row.name)?.blobId ?? null;
}

/**
 * The runner that serves a copy: one runner serves every name of a blob whose load options are the same. Its own row counts before
 * that of another name; null: it is not in memory, though its weights may be, with the options of another model.
 */
export function runnerOf(digest: string, shown: Shown | null, rows: readonly Row[], parts: Pick<Parts, 'shown' | 'notes'>): Row | null {
  const own = rows.find((row) => row.digest === digest);
  const blob = shown?.blob ?? null;
  if (own || shown === null || blob === null) return own ?? null;
  return rows.find((row) => isPrefix(blobOfRow(row, parts), blob) && servesToo(row, shown, parts)) ?? null;
}

/** What loaded it may have left the context open that the copy asks for; of what is gone from the list only the context is known. */
function servesToo(row: Row, shown: Shown, parts: Pick<Parts, 'shown'>): boolean {
  const mine = configuredOf(shown, []);
  const by = parts.shown.get(row.digest);
  const theirs = by === undefined ? mine : configuredOf(by, []);
  const context = mine['context'] ?? null;
  const fits =
    context === null ? by === undefined || (theirs['context'] ?? null) === null : row.context === null || row.context === context;
  return fits && sameRunner({ ...mine, context: null }, { ...theirs, context: null });
}

function isPrefix(part: string | null, whole: string): boolean {
  return part !== null && part !== '' && whole.startsWith(part);
}

const LOOKS = 10;
const LOOK_MS = 100;

/**
 * Looks until there is something, for a second. Ollama writes manifests in place (0.34.4): while another one is written over
 * the same name, the name is not on the list.
 */
export async function lookAgain<T>(look: () => Promise<T | null>, { clock }: Pick<Parts, 'clock'>, signal: AbortSignal): Promise<T | null> {
  for (let round = 1; ; round += 1) {
    const found = await look();
    if (found !== null || round === LOOKS || signal.aborted) return found;
    await clock.sleep(LOOK_MS, signal);
  }
}
