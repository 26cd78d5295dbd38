import type { Fields, Scalar } from '../../domain/fields.ts';
import type { ProcessWords } from '../kit/engine.ts';
import { KEY_REFERENCE, TEMPLATE_DIGEST } from './command.ts';
import * as flag from './flags.ts';

/** What a llama-server was told, from its own arguments and environment: the inverse of `commandFor`. Pure. A null value: it was not told. */
export function configuredOf({ args, env }: ProcessWords): Fields {
  const parsed = flag.parseArgs(args);
  const parallel = countOf(parsed.value(flag.PARALLEL));
  const total = countOf(parsed.value(flag.CONTEXT));
  return {
    context: total === null ? null : Math.floor(total / (parallel ?? 1)),
    parallel,
    kvCache: kvCacheOf(parsed.value(flag.KV_K), parsed.value(flag.KV_V)),
    'offload.gpuLayers': layersOf(parsed.value(flag.LAYERS)),
    chatTemplate: env[TEMPLATE_DIGEST] ?? parsed.value(flag.TEMPLATE) ?? prefixed('file:', parsed.value(flag.TEMPLATE_FILE)),
    'options.flashAttention': flashOf(parsed),
    'options.loadMode': loadModeOf(parsed),
    'options.port': env['LLMOPS_FIXED_PORT'] === undefined ? null : countOf(parsed.value(flag.PORT)),
    'options.apiKey': env[KEY_REFERENCE] ?? null,
    'options.args': flag.joinWords(parsed.rest),
    ...Object.fromEntries(flag.FLAGS.map((known) => [known.field, flag.valueOf(known, parsed)])),
  };
}

function countOf(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

/** One name where keys and values have the same type; both where they differ. */
export function kvCacheOf(keys: string | null, values: string | null): string | null {
  return keys === values ? keys : `${keys ?? 'f16'}/${values ?? 'f16'}`;
}

function layersOf(text: string | null): Scalar {
  if (text === null || text === 'auto') return null;
  return text === 'all' || text === '999' ? 'all' : countOf(text);
}

function flashOf(parsed: flag.ParsedArgs): Scalar {
  if (!parsed.has(flag.FLASH)) return null;
  const value = parsed.value(flag.FLASH);
  return value === 'auto' ? null : value === 'off' ? 'off' : 'on';
}

function loadModeOf(parsed: flag.ParsedArgs): Scalar {
  const mode = parsed.value(flag.LOAD_MODE);
  if (mode !== null) return mode === 'auto' ? null : mode === 'mmap+mlock' ? 'mlock' : mode;
  if (parsed.has(flag.NO_MMAP)) return 'none';
  if (parsed.has(flag.MLOCK)) return 'mlock';
  return parsed.has(flag.DIRECT_IO) ? 'dio' : null;
}

function prefixed(prefix: string, text: string | null): string | null {
  return text === null ? null : `${prefix}${text}`;
}
