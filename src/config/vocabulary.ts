/** Quantizations as GGUF names them (`general.file_type` of llama.cpp), finest first: the order is the ranking that `atLeast` uses. */
export const QUANTIZATIONS = [
  'F32',
  'F16',
  'BF16',
  'Q8_0',
  'Q6_K',
  'Q5_K_M',
  'Q5_1',
  'Q5_K_S',
  'Q5_0',
  'Q4_K_M',
  'Q4_1',
  'Q4_K_S',
  'IQ4_NL',
  'Q4_0',
  'MXFP4_MOE',
  'IQ4_XS',
  'Q3_K_L',
  'Q3_K_M',
  'IQ3_M',
  'IQ3_S',
  'Q3_K_S',
  'IQ3_XS',
  'IQ3_XXS',
  'Q2_K',
  'Q2_K_S',
  'IQ2_M',
  'IQ2_S',
  'IQ2_XS',
  'IQ2_XXS',
  'TQ2_0',
  'IQ1_M',
  'TQ1_0',
  'IQ1_S',
] as const;

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
