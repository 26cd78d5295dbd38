import type { EngineFacts } from './engine.ts';
import type { Outcome } from './generate.ts';
import type { Slots } from './slots.ts';

/** A JSON body. */
export type Shape = Readonly<Record<string, unknown>>;

/** What all bodies of one answer share. `created` in seconds since 1970. */
export interface Head {
  readonly id: string;
  readonly created: number;
  readonly facts: EngineFacts;
}

/** `GET /v1/models`, as llama-server writes it. */
export function modelsBody(facts: EngineFacts, created: number): Shape {
  const meta = {
    n_vocab: facts.vocabulary,
    n_ctx: facts.contextTokens,
    n_ctx_train: facts.contextTrained,
    n_embd: facts.embedding,
    size: facts.modelBytes,
    ftype: facts.fileType,
  };
  const data = { id: facts.alias, aliases: [facts.alias], tags: facts.tags, object: 'model', created, owned_by: 'llamacpp', meta };
  const model = {
    name: facts.alias,
    model: facts.alias,
    modified_at: '',
    size: '',
    digest: '',
    type: 'model',
    capabilities: ['completion'],
    details: { format: 'gguf' },
  };
  return { object: 'list', models: [model], data: [data] };
}

/** `GET /props`: llama-server's members as far as they apply, and under `embedded` what llama-server does not tell. */
export function propsBody(facts: EngineFacts): Shape {
  return {
    default_generation_settings: { params: {}, n_ctx: facts.contextTokens },
    total_slots: facts.parallel,
    model_alias: facts.alias,
    model_path: facts.modelPath,
    model_ftype: facts.fileType,
    modalities: { vision: false, video: false, audio: false },
    endpoint_slots: true,
    endpoint_props: false,
    endpoint_metrics: false,
    chat_template: facts.chatTemplate,
    bos_token: facts.bos,
    eos_token: facts.eos,
    build_info: facts.build,
    is_sleeping: false,
    embedded: { threads: facts.threads, batch: facts.batch, flash_attention: facts.flashAttention, kv_cache: facts.kvCache, gpu_layers: 0 },
  };
}

/** `GET /slots`. */
export function slotsBody(facts: EngineFacts, state: ReturnType<Slots<unknown>['state']>): readonly Shape[] {
  return state.map(({ id, processing, task }) => ({
    id,
    n_ctx: facts.contextTokens,
    speculative: false,
    is_processing: processing,
    id_task: task,
  }));
}

/** One of the two OpenAI routes that generate: how its bodies differ. */
export interface Dialect {
  /** The whole answer. */
  whole(head: Head, text: string, outcome: Outcome): Shape;
  /** First event of a stream, or null. */
  opening(head: Head): Shape | null;
  piece(head: Head, text: string): Shape;
  /** Last events of a stream, before `[DONE]`. */
  closing(head: Head, outcome: Outcome, withUsage: boolean): readonly Shape[];
}

/** `POST /v1/chat/completions`. */
export const CHAT: Dialect = {
  whole: (head, text, outcome) => ({
    ...common(head, 'chat.completion'),
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: outcome.reason }],
    ...accounts(outcome),
  }),
  opening: (head) => chatChunk(head, { role: 'assistant', content: null }, null),
  piece: (head, text) => chatChunk(head, { content: text }, null),
  closing: (head, outcome, withUsage) => [
    { ...chatChunk(head, {}, outcome.reason), ...(withUsage ? {} : { timings: timings(outcome) }) },
    ...(withUsage ? [{ ...common(head, 'chat.completion.chunk'), choices: [], ...accounts(outcome) }] : []),
  ],
};

/** `POST /v1/completions`. */
export const TEXT: Dialect = {
  whole: (head, text, outcome) => ({ ...textChunk(head, text, outcome.reason), ...accounts(outcome) }),
  opening: () => null,
  piece: (head, text) => textChunk(head, text, null),
  closing: (head, outcome) => [{ ...textChunk(head, '', outcome.reason), ...accounts(outcome) }],
};

/** `POST /completion`, llama-server's own route. */
export const NATIVE: Dialect = {
  whole: (head, text, outcome) => nativeEnd(head, text, outcome),
  opening: () => null,
  piece: (_head, text) => ({ index: 0, content: text, stop: false }),
  closing: (head, outcome) => [nativeEnd(head, '', outcome)],
};

function common(head: Head, object: string): Shape {
  return { id: head.id, object, created: head.created, model: head.facts.alias, system_fingerprint: head.facts.build };
}

function chatChunk(head: Head, delta: Shape, reason: string | null): Shape {
  return { ...common(head, 'chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason: reason }] };
}

function textChunk(head: Head, text: string, reason: string | null): Shape {
  return { ...common(head, 'text_completion'), choices: [{ text, index: 0, logprobs: null, finish_reason: reason }] };
}

function nativeEnd(head: Head, text: string, outcome: Outcome): Shape {
  const stopType = outcome.reason === 'length' ? 'limit' : outcome.stopWord === '' ? 'eos' : 'word';
  return {
    index: 0,
    content: text,
    stop: true,
    model: head.facts.alias,
    tokens_predicted: outcome.generatedTokens,
    tokens_evaluated: outcome.promptTokens,
    truncated: false,
    stop_type: stopType,
    stopping_word: outcome.stopWord,
    timings: timings(outcome),
  };
}

function accounts(outcome: Outcome): Shape {
  const { promptTokens, generatedTokens, cachedTokens } = outcome;
  return {
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: generatedTokens,
      total_tokens: promptTokens + generatedTokens,
      prompt_tokens_details: { cached_tokens: cachedTokens },
    },
    timings: timings(outcome),
  };
}

function timings(outcome: Outcome): Shape {
  const evaluated = outcome.promptTokens - outcome.cachedTokens;
  return {
    cache_n: outcome.cachedTokens,
    prompt_n: evaluated,
    prompt_ms: outcome.promptMs,
    prompt_per_second: rate(evaluated, outcome.promptMs),
    predicted_n: outcome.generatedTokens,
    predicted_ms: outcome.generateMs,
    predicted_per_second: rate(outcome.generatedTokens, outcome.generateMs),
  };
}

function rate(tokens: number, ms: number): number {
  return ms > 0 ? (tokens * 1000) / ms : 0;
}
