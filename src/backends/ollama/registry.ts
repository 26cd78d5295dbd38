import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError, type Problem } from '../../domain/problem.ts';
import { digestOfTag, type OllamaOrigin } from './ask-registry.ts';
import type { Progress } from './client.ts';
import { baseName, keptName, tagName } from './names.ts';
import { isInsecure, mayName } from './options.ts';
import { lookAgain, tagNamed, type Parts } from './parts.ts';
import { registryNotAllowed } from './problems.ts';
import { restoreKept } from './tidy.ts';

const ASK_MS = 5000;

/**
 * Pulls a tag and keeps what came under our own name, if it is what was pinned: Ollama cannot be asked for a digest. A tag of
 * that name that was there before stands for what it stood for afterwards; one that was not there is taken away again.
 */
export async function pullFromRegistry(step: StepOf<'pull'>, origin: OllamaOrigin, parts: Parts, io: StepIo): Promise<void> {
  const { client, spec } = parts;
  if (!mayName(origin.host, spec.options)) throw new ProblemError(registryNotAllowed(step.model, origin.host, spec));
  const pinned = heldKey(step.weights);
  const name = tagName(origin);
  const tags = await client.tags(io.signal);
  const same = tags.find((tag) => tag.digest === pinned);
  if (same !== undefined) return void (await client.copy(same.name, baseName(pinned), io.signal));
  await refuseIfMoved(step, origin, pinned, parts, io);
  const before = tagNamed(name, tags);
  if (before !== null) await keep(before.name, parts, io.signal);
  try {
    await client.pull(name, isInsecure(origin.host, spec.options), sayProgress(name, io), io.signal);
    const came = await lookAgain(async () => tagNamed(name, await client.tags(io.signal)), parts, io.signal);
    if (came === null) throw new ProblemError(wentAway(name));
    if (came.digest !== pinned) throw new ProblemError(moved(step, name, pinned, came.digest));
    await client.copy(came.name, baseName(pinned), io.signal);
  } finally {
    // Whoever aborted this still wants the names put right. A server that does not answer now gives a user's tag back at the
    // next run.
    const patience = AbortSignal.timeout(ASK_MS);
    await (before === null ? client.remove(name, patience) : restoreKept(before.name, parts, patience)).catch(() => undefined);
  }
}

/** A pull moves the tag, and removes what nothing else names. */
async function keep(name: string, { client, notes }: Parts, signal: AbortSignal): Promise<void> {
  notes.noteKept(name);
  if (!(await client.copy(name, keptName(name), signal))) throw new ProblemError(wentAway(name));
}

/**
 * Asks the registry what the tag stands for, before gigabytes of something else are fetched. Only where it can be asked from
 * here: a server elsewhere may reach other registries, and calls another machine its own. No answer is no reason to stop.
 */
async function refuseIfMoved(step: StepOf<'pull'>, origin: OllamaOrigin, pinned: string, parts: Parts, io: StepIo): Promise<void> {
  const now = await digestOfTag(origin, parts, io.signal);
  if (now !== null && now !== pinned) throw new ProblemError(moved(step, tagName(origin), pinned, now));
}

/** Bytes of each layer, under the first digits of its digest; what else the server does in words. */
function sayProgress(name: string, io: StepIo): (line: Progress) => void {
  return ({ digest, completed, total, status }) => {
    if (digest !== null && total !== null) io.transfer(`${name} (layer ${digest.slice(0, 12)})`, completed, total);
    else if (status !== 'success') io.progress(`${name}: ${status}`);
  };
}

function moved({ model }: StepOf<'pull'>, name: string, pinned: string, now: string): Problem {
  return {
    severity: 'error',
    code: 'tag-moved',
    summary: `${name} stands for something else in the registry than when ${model} was pinned: ${now.slice(0, 12)} instead of ${pinned.slice(0, 12)}. Nothing was changed on the server.`,
    expected: `manifest sha256:${pinned}`,
    fix: `To take what it stands for now: llmops lock --upgrade ${model}. Ollama cannot fetch what a tag stood for before.`,
  };
}

function wentAway(name: string): Omit<Problem, 'severity'> {
  return {
    code: 'not-in-force',
    summary: `${name} went away on the server while it was fetched.`,
    fix: 'See whether somebody else changes models on that server, then run the same command again.',
  };
}
