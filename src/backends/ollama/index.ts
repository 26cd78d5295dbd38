import type { Backend, SwapReason } from '../../domain/backend.ts';
import type { Artifact, ModelSpec } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import { checkModel } from './check.ts';
import { connectServer } from './driver.ts';
import { fieldsOf, prices, sameRunner } from './fields.ts';
import { servesItself } from './options.ts';
import { backendSchema, modelSchema } from './schema.ts';
import { rivalsAmong } from './siblings.ts';
import { asFields, sameServer, servedFor, settingsIn } from './settings.ts';

const ONE_RUNNER: SwapReason = { because: 'one Ollama server runs the same weights with one set of load options', setting: null };

const ONE_SERVER: SwapReason = {
  because: 'it is a setting of the whole server, which is started anew for it',
  setting: null,
  together: true,
};

/** An Ollama server, on this machine or another one. */
export const backend: Backend = {
  type: 'ollama',
  schema: { backend: backendSchema, model: modelSchema },
  prices,
  fields: fieldsOf,
  forModels(spec, models) {
    const served = servedFor(spec, models);
    const rivals = rivalsAmong(models);
    return Object.keys(rivals).length === 0 ? served : { ...served, options: { ...served.options, rivals } };
  },
  check: checkModel,
  pulls: ['ollama'],
  mustSwap(model, spec, running, artifact) {
    if (running === null) return ONE_RUNNER;
    if (servesItself(spec.options) && !sameServer(running, asFields(settingsIn(spec)))) return ONE_SERVER;
    return canRunBeside(model, running, artifact) ? null : ONE_RUNNER;
  },
  connect: connectServer,
};

/**
 * One runner serves all names of a weight blob: other load options need another runner, which throws the first one out. With the
 * same ones two copies share it, and nothing is loaded anew.
 */
function canRunBeside(model: ModelSpec, running: Fields, artifact: Artifact | undefined): boolean {
  const pinned = artifact?.sha256 ?? model.sha256;
  const source = running['source'] ?? model.source.written;
  const otherWeights = pinned === null ? source !== model.source.written : (running['digest'] ?? pinned) !== pinned;
  const some = artifact ?? { source: '', path: '', bytes: 0, sha256: '', gguf: null };
  return otherWeights || sameRunner(fieldsOf(model, some), running);
}
