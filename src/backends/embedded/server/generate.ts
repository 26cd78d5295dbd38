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
  /** Goes on behind the model's end of an answer, for measurements of a fixed length. */
  readonly ignoreEos: boolean;
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

/**
 * Generates on a sequence that nobody else uses. `take` gets the text as it becomes whole, and is waited for. Rejects
 * with the signal's reason when aborted. What the sequence remembers of an earlier request is used where the prompts agree.
 */
export async function generate(
  sequence: LlamaContextSequence,
  job: Job,
  signal: AbortSignal,
  take: (text: string) => Promise<void> | void,
): Promise<Outcome> {
  const started = performance.now();
  const { cached, last } = await takeIn(sequence, job, signal);
  const decoder = createDecoder((tokens, before) => sequence.model.detokenize(tokens as Token[], false, before as Token[]));
  const filter = createStopFilter(job.stop);
  let promptDone = performance.now();
  let count = 0;
  let stopWord: string | null = null;
  let ended = false;
  const options = { ...job.sampling, yieldEogToken: true };
  for await (const token of job.maxTokens > 0 ? sequence.evaluate(last, options) : []) {
    if (count === 0) promptDone = performance.now();
    signal.throwIfAborted();
    count += 1;
    ended = !job.ignoreEos && sequence.model.isEogToken(token);
    if (ended) break;
    const { text, stop } = filter.push(decoder.push(token));
    if (text !== '') await take(text);
    stopWord = stop;
    if (stop !== null || count >= job.maxTokens) break;
  }
  const rest = stopWord === null ? filter.push(decoder.flush()) : null;
  stopWord ??= rest?.stop ?? null;
  const tail = (rest?.text ?? '') + (stopWord === null ? filter.flush() : '');
  if (tail !== '') await take(tail);
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
