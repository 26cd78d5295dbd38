import { digest, fullName, isOurs, OURS, shortName } from './names.ts';
import type { Tag } from './shown.ts';

/**
 * What says on a server that a stack took a model over: a name of ours that leads to the model as it was. It is there for every stack
 * to see, it outlives our copies and our state, and the server deletes nothing that it leads to.
 */
export interface Hold {
  /** `original`: the model's own name leads to our copy meanwhile. `taken`: it has another name, and keeps it. */
  readonly kind: 'original' | 'taken';
  /** The model of llmops.yaml, in lower case: names that differ in case only are one here. */
  readonly model: string;
  /** The same as its user wrote it. */
  readonly written: string;
  readonly stackId: string;
  /** For people; cut. */
  readonly stack: string;
  /** What {@link nameId} gives of the name that was taken over. */
  readonly nameId: string;
}

/** Whoever takes over, as names carry it. */
interface Taker {
  readonly stackId: string;
  readonly stack: string;
}

const ORIGINAL = /^llmops\/original-([^/:]+):(?:(.*)\.)?([0-9a-f]{16})$/i;
const TAKEN = /^llmops\/taken-([^/:]+):(.*)\.([0-9a-f]{16})\.([0-9a-f]{8})$/i;

/** The name under which a user's own model is kept while its name leads to one of ours. Ollama keeps the case of names, so this does. */
export function originalName(name: string, { stackId, stack }: Taker): string {
  return `${OURS}/original-${written(name)}:${cut(stack)}.${stackId}`;
}

/** The name that keeps a model which was taken over for one of another name. */
export function takenName(model: string, name: string, { stackId, stack }: Taker): string {
  return `${OURS}/taken-${model}:${cut(stack)}.${stackId}.${nameId(name)}`;
}

/** Reads both; null: another name. */
export function readHold(text: string): Hold | null {
  if (!isOurs(text)) return null;
  const [, original, stack, stackId] = ORIGINAL.exec(text) ?? [];
  if (original !== undefined)
    return { kind: 'original', ...named(original), stackId: stackId as string, stack: stack ?? '', nameId: nameId(original) };
  const [, model, of, id, whose] = TAKEN.exec(text) ?? [];
  return model === undefined
    ? null
    : { kind: 'taken', ...named(model), stackId: id as string, stack: of as string, nameId: whose as string };
}

/** The holds on a model of somebody else's: one, or those of stacks that reach for it at the same time. */
export function holdsOn({ name, digest: manifest }: Pick<Tag, 'name' | 'digest'>, tags: readonly Tag[]): readonly Hold[] {
  const id = nameId(name);
  return tags.flatMap((tag) => {
    const hold = tag.digest === manifest ? readHold(tag.name) : null;
    return hold?.nameId === id ? [hold] : [];
  });
}

function named(text: string): Pick<Hold, 'model' | 'written'> {
  return { model: text.toLowerCase(), written: text };
}

function nameId(name: string): string {
  return digest(fullName(name), 8);
}

/** A name without `:latest`, in the case in which it was given. */
function written(name: string): string {
  return name.slice(0, shortName(name).length);
}

/** Names of Ollama take 80 characters. */
function cut(stack: string): string {
  return stack.slice(0, 27);
}
