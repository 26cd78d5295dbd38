import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { createDecoder } from './decode.ts';
import type { Sampling } from './request.ts';
import { createStopFilter } from './stops.ts';

/** One text to continue. */
export interface Job {
  /** Not empty, and shorter than the context. */
  readonly prompt: readonly number[];
  /** Most tokens to generate; the caller has made sure that they fit behind the prompt, so nothing is ever shifted out. */
  readonly maxTokens: number;
  readonly sampling: Sampling & { readonly seed: number };
  readonly stop: readonly string[];
  /** Tokens of prompt evaluated between two looks at the signal. */
  readonly batch: number;
}

/** How a generation went. Times in milliseconds. */
export interface Outcome {
  readonly reason: 'stop' | 'length';
  /** The stop text that ended it, or ''. */
  readonly stopWord: string;
  readonly promptTokens: number;
  /** Of these, how many were still in memory from the request before. */
  readonly cachedTokens: number;
  /** With the end-of-generation token, as llama-server counts. */
  readonly generatedTokens: number;
  readonly promptMs: number;
  readonly generateMs: number;
}

/** A piece of text and the tokens that were generated since the piece before. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly number[];
}

/**
 * Generates on a sequence that nobody else uses. Yields text as it becomes whole; returns how it went. Rejects with the
 * signal's reason when aborted. What the sequence remembers of an earlier request is used where the prompts agree.
 */
export async function* generate(sequence: LlamaContextSequence, job: Job, signal: AbortSignal): AsyncGenerator<Piece, Outcome> {
  const started = performance.now();
  const { cached, last } = await takeIn(sequence, job, signal);
  const decoder = createDecoder((tokens, before) => sequence.model.detokenize(tokens as Token[], false, before as Token[]));
  const filter = createStopFilter(job.stop);
  let promptDone = performance.now();
  let count = 0;
  let tokens: number[] = [];
  let stopWord: string | null = null;
  let ended = false;
  if (job.maxTokens > 0) {
    for await (const token of sequence.evaluate(last, { ...job.sampling, yieldEogToken: true })) {
      if (count === 0) promptDone = performance.now();
      signal.throwIfAborted();
      count += 1;
      ended = sequence.model.isEogToken(token);
      if (ended) break;
      tokens.push(token);
      const { text, stop } = filter.push(decoder.push(token));
      stopWord = stop;
      if (text !== '') {
        yield { text, tokens };
        tokens = [];
      }
      if (stop !== null || count >= job.maxTokens) break;
    }
  }
  const rest = stopWord === null ? filter.push(decoder.flush()).text + filter.flush() : '';
  if (rest !== '') yield { text: rest, tokens };
  return {
    reason: ended || stopWord !== null ? 'stop' : 'length',
    stopWord: stopWord ?? '',
    promptTokens: job.prompt.length,
    cachedTokens: cached,
    generatedTokens: count,
    promptMs: promptDone - started,
    generateMs: performance.now() - promptDone,
  };
}

/** Evaluates all of the prompt but its end, in batches, so that a client that left is noticed while a long prompt is read. */
async function takeIn(sequence: LlamaContextSequence, job: Job, signal: AbortSignal): Promise<{ cached: number; last: Token[] }> {
  const prompt = job.prompt as readonly Token[];
  // The last token is always evaluated: the first generated one comes from it.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const cached = sequence.nextTokenIndex;
  let at = cached;
  for (; prompt.length - at > job.batch; at += job.batch) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(at, at + job.batch));
  }
  signal.throwIfAborted();
  return { cached, last: prompt.slice(at) };
}
