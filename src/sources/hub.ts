import type { ModelSpec, Source } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import type { LockedModel, Origin, RemoteFile } from '../domain/weights.ts';
import type { Answer } from './answer.ts';
import { choose } from './choose.ts';
import { netOf } from './context.ts';
import type { ResolveContext } from './context.ts';
import { describe, openLocal } from './describe.ts';
import type { Part } from './describe.ts';
import { hubProblem } from './hub-errors.ts';
import { listRepository } from './listing.ts';
import type { ListedFile } from './listing.ts';
import { lockedModel } from './locked.ts';
import { isProjector } from './naming.ts';
import { openRemote } from './remote-bytes.ts';
import { hubFile } from './request.ts';
import { hubAccess } from './token.ts';

type HubOrigin = Extract<Origin, { kind: 'hf' }>;

/** A file of a repository: what it is, and how its header is read. */
interface Pinned {
  readonly file: RemoteFile;
  readonly part: Part;
}

/** A source on the Hugging Face Hub or a mirror of it: its commit, the files that are meant, and what they are. */
export async function resolveHub(source: Extract<Source, { kind: 'hf' }>, model: ModelSpec, context: ResolveContext): Promise<LockedModel> {
  const { repo, revision, file } = source;
  refuseOffline(context.env);
  const access = hubAccess(context.env);
  const listing = await listRepository({ repo, revision, file: null, access }, netOf(context));
  const listed = new Map(listing.files.map((entry) => [entry.path, entry]));
  const chosen = choose([...listed.keys()], { repo, file, quantizations: model.quantizations });
  const origin: HubOrigin = { kind: 'hf', repo, commit: listing.commit };
  const pinned: Pinned[] = [];
  for (const path of chosen.paths) pinned.push(await pin(listed.get(path)!, origin, context));
  const files = pinned.map((entry) => entry.file);
  const beside = [...listed.keys()].some(isProjector) ? (['projector'] as const) : [];
  const found = { revision, label: chosen.label, origin, manifest: null, files, beside, license: listing.license };
  return lockedModel(model, found, await describe(pinned.map(({ part }) => part)));
}

/** As the Hub's own tools understand it: whoever sets it wants no request at all. */
function refuseOffline(env: ResolveContext['env']): void {
  if (!/^(1|on|yes|true)$/i.test(env['HF_HUB_OFFLINE'] ?? '')) return;
  throw new ProblemError({
    code: 'source-offline',
    summary: 'HF_HUB_OFFLINE is set, so the Hugging Face Hub was not asked. Nothing was changed.',
    fix: 'Unset HF_HUB_OFFLINE for this command.',
  });
}

/** Small files are kept in git itself: their SHA-256 is known once they are here. */
async function pin({ path, bytes, sha256 }: ListedFile, origin: HubOrigin, context: ResolveContext): Promise<Pinned> {
  const request = hubFile(origin, path, context.env);
  if (bytes === null || sha256 === null) {
    const { localPath, ...fetched } = await context.fetchUnknown(path, request);
    return { file: { path, bytes: fetched.bytes, sha256: fetched.sha256 }, part: { name: path, open: () => openLocal(localPath) } };
  }
  const asked = { repo: origin.repo, revision: origin.commit, file: path, access: hubAccess(context.env) };
  const net = netOf(context);
  const expected = { bytes, refusal: (answer: Answer) => hubProblem(answer, asked) };
  const open: Part['open'] = async (first) => (await openRemote(request, { ...expected, first }, net))!;
  return { file: { path, bytes, sha256 }, part: { name: `${origin.repo}/${path}`, open } };
}
