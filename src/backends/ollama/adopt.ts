import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { alone } from './alone.ts';
import { pinnedTag, strangerId } from './candidates.ts';
import { askToStay } from './expiry.ts';
import { handOver } from './hand-over.ts';
import { letGo, takeHold } from './hold.ts';
import { baseName, fullName } from './names.ts';
import { heldKeyOf, lookIntoRows, readStore } from './observe.ts';
import { findOurs, isOurAlias, markOf, runnerOf, showTag, tagNamed, type Parts } from './parts.ts';
import { nameTaken } from './problems.ts';
import { startInstance } from './start.ts';
import { embedsOnly, type Tag } from './shown.ts';
import { pullClaim } from './tidy.ts';

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
  // First: by it the next run knows that the name is to be ours, and other stacks that the model is.
  await takeHold(spec.model, stranger, changed(step), parts, io);
  await alone(pullClaim(parts), parts, io, () => keepBase(step, parts, io));
  await startInstance(spec, parts, io);
  await refuseLoss(step, stranger, parts, io);
  await keepLoaded(step, parts, io);
  await handName(step, stranger, parts, io);
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

/** What no setting speaks of shows in what a model is able to do: clients are sent to nothing that can do less. */
async function refuseLoss(step: StepOf<'adopt'>, stranger: Tag, parts: Parts, io: StepIo): Promise<void> {
  const ours = await findOurs(step.spec.id, parts, io.signal);
  const [before, after] = [await showTag(stranger, parts, io.signal), ours && (await showTag(ours.tag, parts, io.signal))];
  const lost = (before?.capabilities ?? []).filter((each) => after !== null && !after.capabilities.includes(each));
  if (lost.length === 0) return;
  await undo(step, parts, io);
  throw new ProblemError({
    code: 'engine-cannot',
    summary: `${step.copy} can do ${lost.join(', ')}, and what Ollama made of it for ${step.model} cannot. It was left as it is.`,
    fix: `Compare \`ollama show ${stranger.name}\` with what llmops.yaml declares; what has no key there cannot be taken over.`,
  });
}

/** The declared name, where it was the very model's that is taken over. */
async function handName(step: StepOf<'adopt'>, stranger: Tag, parts: Parts, io: StepIo): Promise<void> {
  const { spec } = step;
  const tags = await parts.client.tags(io.signal);
  const alias = tagNamed(spec.model, tags);
  if (alias === null) return;
  if (alias.digest !== stranger.digest) {
    if (fullName(stranger.name) !== fullName(spec.model) || (await isOurAlias(alias, tags, parts, io.signal))) return;
    await undo(step, parts, io);
    throw new ProblemError(nameTaken(spec.model, parts.client.url, markOf(await showTag(alias, parts, io.signal))?.stack ?? null));
  }
  // A server lists a runner under the manifest that loaded it: once no name has that one, nobody could tell what it holds.
  const blob = (await showTag(stranger, parts, io.signal))?.blob ?? null;
  if (blob !== null) parts.notes.noteBlob(stranger.digest, blob);
  const ours = await findOurs(spec.id, parts, io.signal);
  if (ours === null) return;
  await parts.client.copy(ours.tag.name, alias.name, io.signal);
}

/** Takes back what was made for nothing. The weights stay, as they do after every stop. */
async function undo({ spec }: StepOf<'adopt'>, parts: Parts, io: StepIo): Promise<void> {
  const ours = await findOurs(spec.id, parts, io.signal);
  if (ours !== null) await parts.client.remove(ours.tag.name, io.signal);
  await letGo(spec.model, parts, io.signal);
}

/**
 * What shall always be in memory is asked to stay there; with the load options that it has, nothing is loaded anew. One that is only on
 * the disk is loaded.
 */
async function keepLoaded({ spec }: StepOf<'adopt'>, parts: Parts, io: StepIo): Promise<void> {
  if (typeof spec.fields['options.keepAlive'] === 'number') return;
  const ours = await findOurs(spec.id, parts, io.signal);
  const shown = ours && (await showTag(ours.tag, parts, io.signal));
  if (!ours || !shown) return;
  const store = await readStore(parts, io.signal);
  await lookIntoRows(store, parts, io.signal);
  const row = runnerOf(ours.tag.digest, shown, store.rows, parts);
  if (row === null) io.progress('loading weights');
  else askToStay(row, parts);
  await parts.client.load(ours.tag.name, { keepAlive: null, embeds: embedsOnly(shown) }, io.signal);
}

function changed({ model, copy }: StepOf<'adopt'>) {
  return {
    code: 'instance-changed',
    summary: `${copy}, which was to be taken over for ${model}, is not there any more as the plan saw it. Nothing was changed.`,
    fix: 'Run `llmops plan` again.',
  };
}
