import type { ModelSpec, Source } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { LockedModel, RemoteFile } from '../domain/weights.ts';
import { netOf } from './context.ts';
import type { ResolveContext } from './context.ts';
import { describe, FIRST_BYTES, openLocal } from './describe.ts';
import type { Description, Part } from './describe.ts';
import { quoted, shown } from './failures.ts';
import { lockedModel } from './locked.ts';
import { partOf, readName } from './naming.ts';
import { openRemote } from './remote-bytes.ts';
import { nameBehind, requestFor } from './request.ts';
import { saidIn } from './answer.ts';
import type { Answer } from './answer.ts';

/**
 * A file behind an address, or a split model that begins there. With a declared SHA-256, the server is asked for the size
 * and the header; without, the file is fetched, because nothing else tells what it is: an `ETag` is whatever the server likes.
 */
export async function resolveWeb(
  source: Extract<Source, { kind: 'https' }>,
  model: ModelSpec,
  context: ResolveContext,
): Promise<LockedModel> {
  const { url } = source;
  refuseCredentials(url);
  const name = nameBehind(url);
  const names = partNames(name);
  const { files, description } =
    (names.length === 1 && model.sha256 !== null ? await lookAt(url, name, model.sha256.toLowerCase(), context) : null) ??
    (await fetchAll(url, names, context));
  const origin = { kind: 'https', url } as const;
  return lockedModel(model, { revision: null, label: readName(name).label, origin, manifest: null, files, license: null }, description);
}

/** What is written into the lock must let nobody in. */
function refuseCredentials(url: string): void {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return;
  throw new ProblemError({
    code: 'secret-literal',
    summary: `The address ${shown(url)} was written with a user or password. Nothing was asked and nothing was changed.`,
    fix: 'Fetch the file yourself and name it with `file:`, or serve it where no password is needed. Change the password if the file was shared.',
  });
}

function partNames(name: string): readonly string[] {
  const { part } = readName(name);
  if (part === null) return [name];
  if (part.number !== 1) {
    throw new ProblemError({
      code: 'weights-split',
      summary: `${name} is part ${part.number} of a model that is split into ${part.of} files. Nothing was changed.`,
      expected: 'the first part',
      fix: `Name the address of ${partOf(name, 1)} in \`source\`.`,
    });
  }
  return Array.from({ length: part.of }, (_, index) => partOf(name, index + 1));
}

interface Seen {
  readonly files: readonly RemoteFile[];
  readonly description: Description;
}

/** null: the server does not tell the size, so the file has to be fetched. */
async function lookAt(url: string, name: string, sha256: string, context: ResolveContext): Promise<Seen | null> {
  const request = requestFor({ kind: 'https', url }, { path: name, sha256 }, context.env, []);
  const beginning = await openRemote(request, { first: FIRST_BYTES, bytes: null, refusal }, netOf(context));
  if (beginning === null) return null;
  const description = await describe([{ name, open: () => Promise.resolve(beginning) }]);
  return { files: [{ path: name, bytes: beginning.size, sha256 }], description };
}

async function fetchAll(url: string, names: readonly string[], context: ResolveContext): Promise<Seen> {
  const files: RemoteFile[] = [];
  const parts: Part[] = [];
  for (const name of names) {
    const request = requestFor({ kind: 'https', url }, { path: name, sha256: '' }, context.env, []);
    const { bytes, sha256, localPath } = await context.fetchUnknown(name, request);
    files.push({ path: name, bytes, sha256 });
    parts.push({ name, open: () => openLocal(localPath) });
  }
  return { files, description: await describe(parts) };
}

function refusal(answer: Answer): ProblemError {
  const { status, url } = answer;
  const said = saidIn(answer);
  if (status === 404 || status === 410) {
    const summary = `There is no file at ${shown(url)} (status ${status}). Nothing was changed.`;
    return new ProblemError({ code: 'address-not-found', summary, fix: 'Correct the address in `source`.' });
  }
  return new ProblemError({
    code: 'source-refused',
    summary: `${shown(url)} answers with status ${status}${said === '' ? '' : `: ${quoted(said)}`}. Nothing was changed.`,
    fix: 'An `https:` source must be open to everyone who may reach it: llmops sends no password there. Else fetch the file yourself and name it with `file:`.',
  });
}
