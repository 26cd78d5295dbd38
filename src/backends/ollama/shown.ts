import type { Json } from '../../domain/desired.ts';

/** A model of the server's list: `GET /api/tags`. */
export interface Tag {
  readonly name: string;
  /** SHA-256 of its manifest, hex. */
  readonly digest: string;
  readonly bytes: number;
  /** ISO 8601, or null. */
  readonly modifiedAt: string | null;
  /** The model or file that its weights were taken from; null: pulled. */
  readonly parent: string | null;
}

/** What is in memory: `GET /api/ps`. One row a runner, under the name that loaded it first. */
export interface Row {
  readonly name: string;
  readonly digest: string;
  /** Bytes in all, and those on GPUs; null: not told. */
  readonly bytes: number | null;
  readonly vramBytes: number | null;
  /** Tokens for one request. */
  readonly context: number | null;
}

/** What a model is made of: `POST /api/show`. */
export interface Shown {
  /** Digest of the (first) weight blob, hex; null: its weights are no GGUF. */
  readonly blob: string | null;
  /** Its request defaults and load options, those of its base included. */
  readonly parameters: Readonly<Record<string, Json>>;
  readonly system: string;
  readonly template: string;
  readonly license: string;
  /** What it brings that no key of llmops speaks of: `adapters`, `messages`. */
  readonly extras: readonly string[];
  readonly capabilities: readonly string[];
  /** Layers as llama.cpp counts them, output included; null: not told. */
  readonly layers: number | null;
  readonly contextTrained: number | null;
}

/** True for models that make vectors and no text. */
export function embedsOnly({ capabilities }: Shown): boolean {
  return capabilities.includes('embedding') && !capabilities.includes('completion');
}

/** Reads the answer of `/api/tags`; rows that are none are left out. Null: it is no such answer. */
export function readTags(answer: unknown): readonly Tag[] | null {
  return rowsOf(answer, (row) => {
    const { name, digest } = row;
    if (typeof name !== 'string' || typeof digest !== 'string') return [];
    const modified = typeof row['modified_at'] === 'string' ? Date.parse(row['modified_at']) : Number.NaN;
    return [
      {
        name,
        digest,
        bytes: countOf(row['size']) ?? 0,
        modifiedAt: Number.isNaN(modified) ? null : new Date(modified).toISOString(),
        parent: textOf(objectOf(row['details'])['parent_model']),
      },
    ];
  });
}

/** Reads the answer of `/api/ps`, in the same manner. */
export function readRows(answer: unknown): readonly Row[] | null {
  return rowsOf(answer, (row) => {
    const { name, digest } = row;
    if (typeof name !== 'string' || typeof digest !== 'string') return [];
    const context = row['context_length'];
    return [
      {
        name,
        digest,
        bytes: countOf(row['size']),
        vramBytes: countOf(row['size_vram']),
        context: typeof context === 'number' && context > 0 ? context : null,
      },
    ];
  });
}

function rowsOf<T>(answer: unknown, read: (row: Readonly<Record<string, unknown>>) => readonly T[]): readonly T[] | null {
  const models = objectOf(answer)['models'];
  return Array.isArray(models) ? models.flatMap((row) => read(objectOf(row))) : null;
}

/** Reads the answer of `/api/show`. What it does not tell is empty. */
export function readShown(answer: unknown): Shown {
  const shown = objectOf(answer);
  const info = objectOf(shown['model_info']);
  const architecture = String(info['general.architecture']);
  const layers = info[`${architecture}.block_count`];
  const trained = info[`${architecture}.context_length`];
  const capabilities = shown['capabilities'];
  return {
    blob: blobOf(textOf(shown['modelfile']) ?? ''),
    parameters: readParameters(textOf(shown['parameters']) ?? ''),
    system: textOf(shown['system']) ?? '',
    template: textOf(shown['template']) ?? '',
    license: textOf(shown['license']) ?? '',
    extras: extrasOf(shown),
    capabilities: Array.isArray(capabilities) ? capabilities.map(String) : [],
    layers: typeof layers === 'number' ? layers + 1 : null,
    contextTrained: typeof trained === 'number' ? trained : null,
  };
}

function extrasOf(shown: Readonly<Record<string, unknown>>): readonly string[] {
  const { messages } = shown;
  const adapters = /^ADAPTER /m.test(textOf(shown['modelfile']) ?? '');
  return [...(adapters ? ['adapters'] : []), ...(Array.isArray(messages) && messages.length > 0 ? ['messages'] : [])];
}

/** The first line with FROM names the file; a later one can be a part of a prompt. */
function blobOf(modelfile: string): string | null {
  return /^FROM .*sha256-([0-9a-f]{64})\s*$/m.exec(modelfile.split('\n').find((line) => line.startsWith('FROM ')) ?? '')?.[1] ?? null;
}

/**
 * Reads the text of parameters: one line a value, a name, blanks, and the value as Go writes it (`%#v`): a repeated name is a
 * list. A list of one text cannot be told from a text, so `stop` always is one.
 */
export function readParameters(text: string): Readonly<Record<string, Json>> {
  const result: Record<string, Json> = {};
  for (const line of text.split('\n')) {
    const [, name, written] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name === undefined || written === undefined) continue;
    const value = readGo(written);
    const before = result[name];
    result[name] = Array.isArray(before) ? [...(before as readonly Json[]), value] : name === 'stop' ? [value] : value;
  }
  return result;
}

/** A value as Go's `%#v` writes it: `true`, `0.7`, `1e+06`, `"a\n"`. */
function readGo(written: string): Json {
  if (written === 'true' || written === 'false') return written === 'true';
  if (/^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(written)) return Number(written);
  return written.startsWith('"') ? unquoteGo(written.slice(1, -1)) : written;
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The text in a string literal of Go: strconv.Quote. `\xNN` there is a byte that is no UTF-8. */
function unquoteGo(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2})|(.))/g,
    (_, u?: string, long?: string, x?: string, one?: string) => {
      const code = u ?? long ?? x;
      return code === undefined ? (ESCAPES[one as string] ?? (one as string)) : String.fromCodePoint(Number.parseInt(code, 16));
    },
  );
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 ? value : null;
}
