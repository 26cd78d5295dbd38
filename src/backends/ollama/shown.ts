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
  /** When it goes if nobody asks for it, in milliseconds since 1970; null: never, or not told. */
  readonly expiresAt: number | null;
  /** True: it was asked to stay for ever. */
  readonly endless: boolean;
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
  /** What writes prompts and what reads answers, of the ones that are built into Ollama; empty: the template, and nothing. */
  readonly renderer: string;
  readonly parser: string;
  /** What it brings that no key of llmops speaks of: `adapters`, `messages`, `the projector 0123456789ab`. */
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
        ...expiryOf(row['expires_at']),
      },
    ];
  });
}

/** "For ever" is the longest duration that Go has: 292 years from the last request on. */
const FOR_EVER_MS = Date.UTC(2200, 0);

function expiryOf(value: unknown): Pick<Row, 'expiresAt' | 'endless'> {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const endless = at > FOR_EVER_MS;
  return { expiresAt: endless || Number.isNaN(at) ? null : at, endless };
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
  const commands = commandsIn(textOf(shown['modelfile']) ?? '');
  return {
    blob: blobIn(commands[0]),
    parameters: readParameters(textOf(shown['parameters']) ?? ''),
    system: textOf(shown['system']) ?? '',
    template: textOf(shown['template']) ?? '',
    license: textOf(shown['license']) ?? '',
    renderer: textOf(shown['renderer']) ?? valueOf('RENDERER', commands),
    parser: textOf(shown['parser']) ?? valueOf('PARSER', commands),
    extras: extrasOf(shown, commands),
    capabilities: Array.isArray(capabilities) ? capabilities.map(String) : [],
    layers: typeof layers === 'number' ? layers + 1 : null,
    contextTrained: typeof trained === 'number' ? trained : null,
  };
}

interface Command {
  readonly name: string;
  readonly value: string;
}

/** A command and its value, which is quoted if it has several lines: what looks like a command in a prompt or a licence is none. */
const COMMAND = /^([A-Z]+) (?:"""([\s\S]*?)"""|"([^"]*)"|(.*))/gm;

function commandsIn(modelfile: string): readonly Command[] {
  return [...modelfile.matchAll(COMMAND)].map(([, name = '', long, short, plain]) => ({ name, value: long ?? short ?? plain ?? '' }));
}

function valueOf(name: string, commands: readonly Command[]): string {
  return commands.find((command) => command.name === name)?.value.trim() ?? '';
}

/** The first FROM names the weights; each further one is a projector. */
function extrasOf({ messages }: Readonly<Record<string, unknown>>, commands: readonly Command[]): readonly string[] {
  const beside = commands.slice(1).flatMap((command) => {
    const what = { FROM: 'the projector', DRAFT: 'the draft model' }[command.name];
    return what === undefined ? [] : [`${what} ${blobIn({ ...command, name: 'FROM' })?.slice(0, 12) ?? command.value}`];
  });
  const adapters = commands.some(({ name }) => name === 'ADAPTER');
  return [...(adapters ? ['adapters'] : []), ...(Array.isArray(messages) && messages.length > 0 ? ['messages'] : []), ...beside];
}

function blobIn(command: Command | undefined): string | null {
  return command?.name === 'FROM' ? (/sha256-([0-9a-f]{64})\s*$/.exec(command.value)?.[1] ?? null) : null;
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
