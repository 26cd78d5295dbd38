import type { StepIo } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { nameTaken } from './problems.ts';
import { isOurAlias, markOf, oursIn, showTag, tagNamed, type Parts } from './parts.ts';

/**
 * Gives the model's own name to a copy: its manifest is copied, which takes no time. A model of that name that is not ours
 * stays.
 */
export async function publishInstance(step: StepOf<'publish'>, parts: Parts, io: StepIo): Promise<void> {
  const { model, instance } = step;
  const tags = await parts.client.tags(io.signal);
  const found = oursIn(tags, parts).find(({ id }) => id === instance);
  if (found === undefined) throw new ProblemError(gone(model, instance));
  const alias = tagNamed(model, tags);
  if (alias?.digest === found.tag.digest) return;
  if (alias !== null && !(await isOurAlias(alias, tags, parts, io.signal))) {
    const stack = markOf(await showTag(alias, parts, io.signal))?.stack ?? null;
    throw new ProblemError(nameTaken(model, parts.client.url, stack));
  }
  if (!(await parts.client.copy(found.tag.name, alias?.name ?? model, io.signal))) throw new ProblemError(gone(model, instance));
  const now = tagNamed(model, await parts.client.tags(io.signal));
  if (now?.digest !== found.tag.digest) throw new ProblemError(notNamed(model));
}

/** Takes the model's name away from a copy, if it still has it. */
export async function withdrawInstance(step: StepOf<'withdraw'>, parts: Parts, io: StepIo): Promise<void> {
  const { model, instance } = step;
  const tags = await parts.client.tags(io.signal);
  const alias = tagNamed(model, tags);
  if (alias === null) return;
  const copy = oursIn(tags, parts).find(({ id }) => id === instance);
  const leadsThere = copy?.tag.digest === alias.digest;
  const wasIts = copy === undefined && (await isOurAlias(alias, tags, parts, io.signal));
  const mark = wasIts ? markOf(await showTag(alias, parts, io.signal)) : null;
  if (leadsThere || mark?.id === instance) await parts.client.remove(alias.name, io.signal);
}

function gone(model: string, instance: string) {
  return {
    code: 'instance-gone',
    summary: `${model} (${instance}) is not on the server any more. Clients were left where they are.`,
    fix: 'Run `llmops plan` to see how things stand.',
  };
}

function notNamed(model: string) {
  return {
    code: 'not-in-force',
    summary: `Ollama said that it named a copy ${model}, and that name stands for something else.`,
    fix: 'See whether somebody else changes models on that server, then plan again.',
  };
}
