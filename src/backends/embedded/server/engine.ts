import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import type { ServerSettings } from './args.ts';
import { loadTemplate } from './template.ts';
import { tooLong, badRequest } from './errors.ts';
import { generate } from './generate.ts';
import { refuseTooLarge } from './memory.ts';
import type { Job, Outcome } from './generate.ts';
import type { GenerationOptions, Message } from './request.ts';
import { createSlots } from './slots.ts';
import type { Slots } from './slots.ts';
import { createTokenizer, refuseConversation } from './tokenizer.ts';
import { vocabularyOf } from './vocabulary.ts';

/** What is in force, as far as the engine tells. */
export interface EngineFacts {
  /** `node-llama-cpp 3.21.1 (llama.cpp v0.4.0)` */
  readonly build: string;
  readonly alias: string;
  readonly modelPath: string;
  readonly tags: readonly string[];
  /** File type as GGUF names it: Q4_K_M; '' if the file does not say. */
  readonly fileType: string;
  readonly modelBytes: number;
  readonly vocabulary: number;
  readonly embedding: number;
  /** Tokens for one request. */
  readonly contextTokens: number;
  readonly contextTrained: number;
  readonly parallel: number;
  readonly threads: number;
  /** Tokens of prompt evaluated at once. */
  readonly batch: number;
  readonly flashAttention: 'auto' | 'on' | 'off';
  readonly kvCache: string;
  readonly chatTemplate: string;
  readonly bos: string;
  readonly eos: string;
}

/** A model in memory that answers. */
export interface EmbeddedEngine {
  readonly facts: EngineFacts;
  readonly slots: Slots<LlamaContextSequence>;
  /** `special`: text such as <|im_end|> becomes the token of that name. */
  tokenize(text: string, special: boolean): Promise<readonly number[]>;
  detokenize(tokens: readonly number[]): string;
  /** The conversation as the model was trained to read it. Throws a bad request if the template refuses it, or it cannot fit. */
  render(messages: readonly Message[]): string;
  /** Waits for a slot, then generates; `take` gets the text. Rejects before the first piece if the prompt does not fit. */
  run(
    prompt: string | readonly number[],
    options: GenerationOptions,
    signal: AbortSignal,
    take: (text: string) => Promise<void> | void,
  ): Promise<Outcome>;
}

/** A context that nobody asked for is no larger than this, so that a model trained for 128 k tokens does not take all memory. */
const DEFAULT_CONTEXT = 8192;

/**
 * Loads the model and makes room for `parallel` requests. Rejects if the engine cannot give exactly what was asked:
 * a context is never made smaller in silence. `log` gets the engine's own lines.
 */
export async function loadEngine(settings: ServerSettings, log: (level: string, message: string) => void): Promise<EmbeddedEngine> {
  const library = await import('node-llama-cpp');
  const threads = settings.threads ?? defaultThreads(availableParallelism());
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    maxThreads: threads,
    logLevel: library.LlamaLogLevel.warn,
    logger: (level, message) => log(level, message.trimEnd()),
  });
  const model = await llama.loadModel({ modelPath: path.resolve(settings.model), gpuLayers: 0 });
  const contextTokens = settings.contextTokens ?? Math.min(model.trainContextSize, DEFAULT_CONTEXT);
  refuseTooLarge(model, contextTokens, settings.parallel, process.availableMemory());
  const context = await model.createContext({
    contextSize: contextTokens,
    sequences: settings.parallel,
    threads,
    flashAttention: settings.flashAttention === 'auto' ? 'auto' : settings.flashAttention === 'on',
    failedCreationRemedy: false,
    ...(settings.batch === null ? {} : { batchSize: settings.batch }),
  });
  if (context.contextSize < contextTokens || context.totalSequences < settings.parallel) {
    throw new Error(
      `the engine gave a context of ${context.contextSize} tokens for ${context.totalSequences} requests instead of ${contextTokens} for ${settings.parallel}`,
    );
  }
  const version = await library.getModuleVersion();
  const decided = {
    contextTokens,
    threads,
    build: `node-llama-cpp ${version} (llama.cpp ${llama.llamaCppRelease.release})`,
    fileTypes: library.GgufFileType,
  };
  return createEngine(factsOf(settings, model, context, decided), model, context);
}

function createEngine(facts: EngineFacts, model: LlamaModel, context: LlamaContext): EmbeddedEngine {
  const template = loadTemplate(facts.chatTemplate);
  const slots = createSlots(Array.from({ length: facts.parallel }, () => context.getSequence()));
  const vocabulary = vocabularyOf(model);
  const tokenizer = createTokenizer(vocabulary);

  const promptTokens = async (prompt: string | readonly number[]): Promise<readonly number[]> => {
    if (typeof prompt !== 'string') return prompt;
    const tokens = await tokenizer.tokenize(prompt, true, facts.contextTokens);
    const { bos, shouldPrependBosToken } = model.tokens;
    // A template may already have written it.
    if (bos !== null && (tokens.length === 0 || shouldPrependBosToken) && tokens[0] !== bos) return [bos, ...tokens];
    return tokens;
  };

  return {
    facts,
    slots,
    tokenize: (text, special) => tokenizer.tokenize(text, special, Infinity),
    detokenize: (tokens) => model.detokenize(tokens as Token[], true),
    render(messages) {
      refuseConversation(messages, facts.contextTokens, vocabulary);
      return template({ messages, bos_token: facts.bos, eos_token: facts.eos, add_generation_prompt: true });
    },
    async run(prompt, options, signal, take) {
      const tokens = await promptTokens(prompt);
      if (tokens.length === 0) throw badRequest('the prompt is empty', 'prompt');
      if (tokens.length >= facts.contextTokens) throw tooLong(tokens.length, facts.contextTokens);
      const job = {
        ...options,
        ...limits(tokens, options, facts),
        prompt: tokens,
        batch: facts.batch,
      };
      const slot = await slots.acquire((sequence) => sequence.compareContextTokens(tokens as Token[]).firstDifferentIndex, signal);
      try {
        return await generate(slot.sequence, job, signal, take);
      } catch (error) {
        // What the sequence remembers may be half written.
        if (!signal.aborted) await slot.sequence.clearHistory();
        throw error;
      } finally {
        slots.release(slot);
      }
    },
  };
}

/** Generation ends where the context does, so that the engine never has to forget the beginning. */
function limits(
  tokens: readonly number[],
  { maxTokens, sampling }: GenerationOptions,
  facts: EngineFacts,
): Pick<Job, 'maxTokens' | 'sampling'> {
  const room = facts.contextTokens - tokens.length;
  return { maxTokens: Math.min(maxTokens ?? room, room), sampling: { ...sampling, seed: sampling.seed ?? randomInt(2 ** 32) } };
}

/** Half the logical cores, 4 at most: more gain little, and threads that wait for a busy core stall every token. */
export function defaultThreads(cores: number): number {
  return Math.max(1, Math.min(4, Math.floor(cores / 2)));
}

interface Decided {
  readonly contextTokens: number;
  readonly threads: number;
  readonly build: string;
  readonly fileTypes: Readonly<Record<number, string>>;
}

function factsOf(settings: ServerSettings, model: LlamaModel, context: LlamaContext, decided: Decided): EngineFacts {
  const { metadata } = model.fileInfo;
  const { file_type: fileType } = metadata.general;
  return {
    build: decided.build,
    alias: settings.alias ?? path.basename(settings.model),
    modelPath: path.resolve(settings.model),
    tags: settings.tags,
    fileType: fileType === undefined ? '' : (decided.fileTypes[fileType] ?? '').replace(/^MOSTLY_|^ALL_/, ''),
    modelBytes: model.size,
    vocabulary: metadata.tokenizer.ggml.tokens.length,
    embedding: model.embeddingVectorSize,
    contextTokens: decided.contextTokens,
    contextTrained: model.trainContextSize,
    parallel: settings.parallel,
    threads: decided.threads,
    batch: context.batchSize,
    flashAttention: context.flashAttention === 'auto' ? 'auto' : context.flashAttention ? 'on' : 'off',
    kvCache: context.kvCacheKeyType === 1 ? 'f16' : String(context.kvCacheKeyType),
    chatTemplate: metadata.tokenizer.chat_template ?? '',
    bos: model.tokens.bosString ?? '',
    eos: model.tokens.eosString ?? '',
  };
}
