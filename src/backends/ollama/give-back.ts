import type { Problem } from '../../domain/problem.ts';
import { readHold, type Hold } from './holds.ts';
import { isOurs, parseDerived, shortName } from './names.ts';
import { isOurAlias, tagNamed, type Parts } from './parts.ts';
import type { Tag } from './shown.ts';

/**
 * Gives users their own models back once there is no copy of ours in their place and nothing on record that wants one: a copy that
 * crashed away comes back. `applied`: the models that are on record. What could not be given back is the answer.
 */
export async function giveBack(parts: Parts, applied: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Problem[]> {
  const tags = await parts.client.tags(signal);
  const copies = tags.map(({ name }) => parseDerived(name)).filter((derived) => derived?.stackId === parts.stackId);
  // Of whatever backend: the name is one.
  const used = new Set([...copies.map((derived) => derived?.model), ...[...applied].map((model) => model.toLowerCase())]);
  const problems: Problem[] = [];
  for (const tag of tags) {
    const hold = readHold(tag.name);
    if (hold === null || hold.stackId !== parts.stackId || used.has(hold.model)) continue;
    if (hold.kind === 'taken' || (await hasItsName(tag, hold, tags, parts, signal))) await parts.client.remove(tag.name, signal);
    else problems.push(keptAside(tag, hold, parts));
  }
  return problems;
}

/**
 * True once a user's model can be reached under a name of the user's. Its own may still lead to what a copy of ours left; what somebody
 * gave that name to meanwhile is theirs.
 */
async function hasItsName(kept: Tag, { written }: Hold, tags: readonly Tag[], parts: Parts, signal: AbortSignal): Promise<boolean> {
  const alias = tagNamed(written, tags);
  if (alias === null || (alias.digest !== kept.digest && (await isOurAlias(alias, tags, parts, signal))))
    await parts.client.copy(kept.name, alias?.name ?? written, signal);
  const now = await parts.client.tags(signal);
  return now.some(({ name, digest }) => digest === kept.digest && !isOurs(name));
}

function keptAside({ name }: Tag, { written }: Hold, { client }: Parts): Problem {
  return {
    severity: 'warning',
    code: 'name-taken',
    summary: `The model that was called ${written} on the Ollama server at ${client.url} before it was taken over has no name to come back to: ${written} is another model by now. It is kept as ${shortName(name)}.`,
    fix: `\`ollama cp ${name} OTHER\` gives it another name; \`ollama rm ${name}\` deletes it.`,
  };
}
