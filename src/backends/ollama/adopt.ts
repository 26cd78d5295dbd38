import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { alone } from './alone.ts';
import { pinnedTag, strangerId } from './candidates.ts';
import { handOver } from './hand-over.ts';
import { baseName, originalName, originalOf, parseDerived } from './names.ts';
import { heldKeyOf, lookIntoRows, readStore } from './observe.ts';
import { findOurs, runnerOf, showTag, tagNamed, type Parts } from './parts.ts';
import { pullClaim } from './tidy.ts';
import { startInstance } from './start.ts';
import { embedsOnly, type Tag } from './shown.ts';

/**
 * Makes a model of somebody else's one of ours: its weights get our name beside theirs, and from them our copy is made, with the
 * settings that theirs has. Nothing is fetched. One runner serves every name of a blob, so what is in memory stays there. A name that
 * clients send and that is the declared one leads to our copy afterwards; any other stays as it is.
 */
export async function adoptModel(step: StepOf<'adopt'>, parts: Parts, io: StepIo): Promise<void> {
  const { spec } = step;
  throwIfCancelled(io.signal, `taking over ${spec.model}`);
  const stranger = (await parts.client.tags(io.signal)).find((tag) => strangerId(tag) === step.copy) ?? null;
  if (stranger === null) {
    if ((await findOurs(spec.id, parts, io.signal)) !== null) return; // an earlier run got this far
    throw new ProblemError(changed(step));
  }
  await alone(pullClaim(parts), parts, io, () => keepBase(step, parts, io));
  await keepOriginal(step, stranger, parts, io); // first: by it the next run knows that the name is to be ours
  await startInstance(spec, parts, io);
  await handName(step, stranger, parts, io);
  await keepLoaded(step, parts, io);
}

/** The weights under a name that nobody moves: a second name of the manifest, or a model of the file that is in the store already. */
async function keepBase({ spec }: StepOf<'adopt'>, parts: Parts, io: StepIo): Promise<void> {
  const key = heldKey(spec.weights);
  const tags = await parts.client.tags(io.signal);
  const held = tagNamed(baseName(key), tags);
  if (held !== null && (await heldKeyOf(held, parts, io.signal)) === key) return;
  const manifest = spec.weights.remote?.manifest ?? null;
  const pinned = manifest === null ? null : pinnedTag(manifest, tags);
  if (pinned === null) await handOver(spec.weights, parts, io);
  else await parts.client.copy(pinned.name, baseName(key), io.signal);
}

/** A model that has the declared name is not lost: it gets that back when no copy of ours needs it any more. */
async function keepOriginal({ spec }: StepOf<'adopt'>, stranger: Tag, parts: Parts, io: StepIo): Promise<void> {
  const alias = tagNamed(spec.model, await parts.client.tags(io.signal));
  if (alias === null || alias.digest !== stranger.digest) return;
  await parts.client.copy(alias.name, originalName(spec.model, parts.stackId), io.signal);
}

/** The declared name, where it was the very model's that is taken over. */
async function handName({ spec }: StepOf<'adopt'>, stranger: Tag, parts: Parts, io: StepIo): Promise<void> {
  const alias = tagNamed(spec.model, await parts.client.tags(io.signal));
  if (alias === null || alias.digest !== stranger.digest) return;
  // A server lists a runner under the manifest that loaded it: once no name has that one, nobody could tell what it holds.
  const blob = (await showTag(stranger, parts, io.signal))?.blob ?? null;
  if (blob !== null) parts.notes.noteBlob(stranger.digest, blob);
  const ours = await findOurs(spec.id, parts, io.signal);
  if (ours === null) return;
  await parts.client.copy(ours.tag.name, alias.name, io.signal);
}

/** Gives users their own models back whose names led to copies of ours, once there is none of these any more. */
export async function giveBack(parts: Parts, signal: AbortSignal): Promise<void> {
  const tags = await parts.client.tags(signal);
  const copies = tags.map(({ name }) => parseDerived(name)).filter((derived) => derived?.stackId === parts.stackId);
  const used = new Set(copies.map((derived) => derived?.model)); // of whatever backend: the name is one
  for (const { name } of tags) {
    const model = originalOf(name, parts.stackId);
    if (model === null || used.has(model)) continue;
    // A name that somebody gave to something else meanwhile is theirs.
    if (tagNamed(model, tags) === null) await parts.client.copy(name, model, signal);
    await parts.client.remove(name, signal);
  }
}

/** What is in memory and shall stay is asked to; with the load options that it has, nothing is loaded anew. */
async function keepLoaded({ spec }: StepOf<'adopt'>, parts: Parts, io: StepIo): Promise<void> {
  const ours = await findOurs(spec.id, parts, io.signal);
  const shown = ours && (await showTag(ours.tag, parts, io.signal));
  const store = await readStore(parts, io.signal);
  await lookIntoRows(store, parts, io.signal);
  if (!ours || !shown || runnerOf(ours.tag.digest, shown, store.rows, parts) === null) return;
  if (typeof spec.fields['options.keepAlive'] === 'number') return;
  await parts.client.load(ours.tag.name, { keepAlive: null, embeds: embedsOnly(shown) }, io.signal);
}

function changed({ model, copy }: StepOf<'adopt'>) {
  return {
    code: 'instance-changed',
    summary: `${copy}, which was to be taken over for ${model}, is not there any more as the plan saw it. Nothing was changed.`,
    fix: 'Run `llmops plan` again.',
  };
}
