/** Element types that llama.cpp takes for its KV cache (`--cache-type-k`). */
export const KV_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const;

/** What to do about a change that llmops did not make. */
export const DRIFT_POLICIES = ['correct', 'warn', 'ignore'] as const;

/** How one running copy gives way to the next. */
export const STRATEGIES = ['auto', 'surge', 'swap', 'canary'] as const;

/** What an objective can be about. */
export const INDICATORS = [
  'availability',
  'ttft',
  'tpot',
  'throughput',
  'e2e',
  'truncation',
  'repetition',
  'refusal',
  'format',
  'language',
] as const;

/** Indicators that compare a time with their threshold. */
export const TIMED_INDICATORS: readonly string[] = ['ttft', 'tpot', 'e2e'];
