import type { OllamaModel } from './shown.ts';

/** Where a model is to come from. */
interface Origin {
  /** It was made on the server, from its base or from a file. */
  readonly derived: boolean;
  readonly fromFile: boolean;
}

type Loss = readonly [what: string, why: string];

/**
 * Commands of a Modelfile that no key of llmops speaks of. What comes with the source is none of them; of a base that is gone nobody
 * knows that.
 */
export function lossesOf(model: OllamaModel, base: OllamaModel | null, { derived, fromFile }: Origin): readonly Loss[] {
  const isKnown = derived && (base !== null || fromFile);
  const brought = base?.blobs ?? model.blobs.slice(0, 1);
  const losses: readonly (Loss | false)[] = [
    isKnown && model.blobs.some((blob) => !brought.includes(blob)) && ['FROM', 'llmops has no key for a projector on Ollama'],
    isKnown && model.drafts && base?.drafts !== true && ['DRAFT', 'llmops has no key for a draft model on Ollama'],
    isKnown && model.licensed && model.license !== base?.license && ['LICENSE', 'llmops has no key for it'],
    model.adapters > 0 && ['ADAPTER', 'llmops has no key for adapters on Ollama'],
    model.messages > 0 && ['MESSAGE', 'llmops has no key for messages that come before every chat'],
  ];
  return losses.filter((loss) => loss !== false);
}
