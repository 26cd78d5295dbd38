import { parseArgs } from 'node:util';

/** What this server was told on its command line. Names follow llama-server's flags. */
export interface ServerSettings {
  /** GGUF file. */
  readonly model: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `--ctx-size`: tokens for ONE request (llama-server divides its `--ctx-size` by the slots, this server does not); null: decide at start. */
  readonly contextTokens: number | null;
  /** Requests worked on at once. */
  readonly parallel: number;
  /** null: decide at start. */
  readonly threads: number | null;
  /** Tokens of prompt evaluated in one go; also how soon a client that left is noticed. null: the engine decides. */
  readonly batch: number | null;
  readonly flashAttention: 'auto' | 'on' | 'off';
  /** Name that the model answers to; null: the file's name. */
  readonly alias: string | null;
  /** Shown in /v1/models; means nothing to the engine. */
  readonly tags: readonly string[];
}

const OPTIONS = {
  model: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string' },
  'ctx-size': { type: 'string' },
  parallel: { type: 'string', default: '1' },
  threads: { type: 'string' },
  'batch-size': { type: 'string' },
  'flash-attn': { type: 'string', default: 'auto' },
  alias: { type: 'string' },
  tags: { type: 'string', default: '' },
} as const;

/** Reads the command line. Throws an Error with one sentence for a person if it makes no sense. Pure. */
export function readSettings(args: readonly string[]): ServerSettings {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
  if (!values.model) throw new Error('--model is required');
  const port = count('--port', values.port, 0);
  if (port === null || port > 65_535) throw new Error('--port must be a number from 0 to 65535');
  const flash = values['flash-attn'];
  if (flash !== 'auto' && flash !== 'on' && flash !== 'off') throw new Error(`--flash-attn must be auto, on or off, not '${flash}'`);
  return {
    model: values.model,
    host: values.host,
    port,
    contextTokens: count('--ctx-size', values['ctx-size'], 1),
    parallel: count('--parallel', values.parallel, 1) ?? 1,
    threads: count('--threads', values.threads, 1),
    batch: count('--batch-size', values['batch-size'], 1),
    flashAttention: flash,
    alias: values.alias ?? null,
    tags: values.tags.split(',').filter((tag) => tag !== ''),
  };
}

function count(flag: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new Error(`${flag} must be a whole number from ${least}, not '${text}'`);
  }
  return value;
}
