import type { ModelSpec } from '../domain/desired.ts';
import type { LockedModel } from '../domain/weights.ts';
import type { ResolveContext } from './context.ts';
import { resolveHub } from './hub.ts';
import { refuseUndeclared } from './locked.ts';
import { resolveOllama } from './registry.ts';
import { resolveWeb } from './web.ts';

export type { FetchUnknown, Limits, ResolveContext, WeightsRequest } from './context.ts';
export { resolveStored } from './ollama-store.ts';
export { requestFor } from './request.ts';

/**
 * What a source is now: an entry for llmops.lock, made by asking the network. Fetches lists, manifests and the headers of
 * weights; whole weights only through `fetchUnknown`, where nobody else can tell their digest. The same answers give the
 * same entry, byte for byte. Throws a ProblemError for everything that the outside world can do, and `cancelled`. Sources
 * of this machine (`file:`) are the catalog's.
 */
export async function resolveSource(model: ModelSpec, context: ResolveContext): Promise<LockedModel> {
  const locked = await resolve(model, context);
  refuseUndeclared(model, locked);
  return locked;
}

async function resolve(model: ModelSpec, context: ResolveContext): Promise<LockedModel> {
  const { source } = model;
  switch (source.kind) {
    case 'hf':
      return await resolveHub(source, model, context);
    case 'https':
      return await resolveWeb(source, model, context);
    case 'ollama':
      return await resolveOllama(source, model, context);
    case 'file':
      throw new Error(`a file of this machine is not looked up over the network: ${source.written}`);
  }
}
