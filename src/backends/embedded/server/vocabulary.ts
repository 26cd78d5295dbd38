import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Vocabulary } from './tokenizer.ts';

/** Type of a token that is plain text. Source: `tokenizer.ggml.token_type` in the GGUF specification. */
const NORMAL = 1;

/** The tokens of a model, as far as parting a text takes them. Asks the engine about those only that may be special: asking about all takes a while. */
export function vocabularyOf(model: LlamaModel): Vocabulary {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  const specials = tokens.flatMap((text, index) => {
    // Some files call a special token normal, and the engine knows it by its looks.
    if (types?.[index] === NORMAL && !/^[<[].*[>\]]$/.test(text)) return [];
    const is = model.getTokenAttributes(index as Token);
    if (!is.control && !is.userDefined && !is.unknown) return [];
    return [{ text, always: is.userDefined, takesBefore: is.lstrip, takesBehind: is.rstrip }];
  });
  return {
    tokenize: (text, special) => model.tokenize(text, special),
    specials,
    longest: tokens.reduce((most, { length }) => Math.max(most, length), 1),
  };
}
