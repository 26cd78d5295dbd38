import type { Json } from '../../domain/desired.ts';
import { countOf, listOf, mapOf, textOf } from '../json.ts';

/** One model of an Ollama server: what /api/tags and /api/show tell. */
export interface OllamaModel {
  /** As the server names it, with its tag. */
  readonly name: string;
  /** SHA-256 (hex) of its manifest. */
  readonly digest: string | null;
  readonly quantization: string | null;
  /** 8.2B */
  readonly size: string | null;
  /** What it was made from: a model's name, or the name or path of a file. */
  readonly parent: string | null;
  /** True: it is a stub for a model that runs elsewhere. */
  readonly cloud: boolean;
  /** Files of weights and projectors on the server's disk. */
  readonly blobs: readonly string[];
  readonly adapters: number;
  /** True: a draft model lies beside its weights. */
  readonly drafts: boolean;
  readonly messages: number;
  readonly license: string;
  readonly licensed: boolean;
  /** True: llmops made it, and says so in its licence. */
  readonly isOurs: boolean;
  readonly system: string;
  readonly template: string;
  /** What is built into Ollama and writes its prompts, or reads its answers; empty: the template, and nothing. */
  readonly renderer: string;
  readonly parser: string;
  readonly parameters: Readonly<Record<string, Json>>;
  /** Tokens it was trained for. */
  readonly contextTrained: number | null;
  /** True: /api/show told about it. */
  readonly shown: boolean;
}

/** Joins a row of /api/tags with the answer of /api/show; null: the row names no model. */
export function ollamaModel(row: unknown, answer: unknown): OllamaModel | null {
  const listed = mapOf(row);
  const name = textOf(listed['name']) ?? textOf(listed['model']);
  if (name === null) return null;
  const shown = mapOf(answer);
  const details = { ...mapOf(listed['details']), ...mapOf(shown['details']) };
  const commands = commandsIn(textOf(shown['modelfile']) ?? '');
  const valueOf = (wanted: string): string => commands.find((command) => command.name === wanted)?.value.trim() ?? '';
  const licenses = [textOf(shown['license']) ?? '', ...listOf(shown['license']).map(String)].filter((text) => text !== '');
  const info = mapOf(shown['model_info']);
  return {
    name,
    digest: hex(listed['digest']),
    quantization: quantizationOf(details['quantization_level']),
    size: textOf(details['parameter_size']),
    parent: textOf(details['parent_model']),
    cloud: [listed, shown].some((one) => textOf(one['remote_model']) !== null || textOf(one['remote_host']) !== null),
    blobs: commands.filter((command) => command.name === 'FROM').map(({ value }) => value.trim()),
    adapters: commands.filter((command) => command.name === 'ADAPTER').length,
    drafts: valueOf('DRAFT') !== '',
    messages: listOf(shown['messages']).length,
    license: licenses.join('\n'),
    licensed: licenses.length > 0,
    isOurs: licenses.some((text) => /^llmops-instance: /m.test(text)),
    system: textOf(shown['system']) ?? '',
    template: textOf(shown['template']) ?? '',
    renderer: textOf(shown['renderer']) ?? valueOf('RENDERER'),
    parser: textOf(shown['parser']) ?? valueOf('PARSER'),
    parameters: parametersOf(textOf(shown['parameters']) ?? ''),
    contextTrained: countOf(info[`${textOf(info['general.architecture']) ?? ''}.context_length`]),
    shown: answer !== null && answer !== undefined,
  };
}

function hex(value: unknown): string | null {
  const text = textOf(value)?.replace(/^sha256:/, '') ?? '';
  return /^[0-9a-f]{64}$/.test(text) ? text : null;
}

function quantizationOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && /^[A-Z][A-Z0-9_]*$/.test(text) ? text : null;
}

interface Command {
  readonly name: string;
  readonly value: string;
}

/** A command and its value, which is quoted if it has several lines: what looks like a command in a prompt or a licence is none. */
const COMMAND = /^([A-Z]+)[ \t]+(?:"""([\s\S]*?)"""|"([^"]*)"|(.*))/gm;

function commandsIn(modelfile: string): readonly Command[] {
  return [...modelfile.matchAll(COMMAND)].map(([, name = '', long, short, plain]) => ({ name, value: long ?? short ?? plain ?? '' }));
}

/** SHA-256 (hex) in a blob's path; null: it names none. */
export function blobDigest(path: string): string | null {
  return /sha256[-:]([0-9a-f]{64})$/.exec(path)?.[1] ?? null;
}

/**
 * `parameters` of /api/show is text: a name, blanks, a value in Go's `%#v`, one a line; a name that comes again is a list.
 * Source: ollama/server/routes.go, GetModelInfo.
 */
export function parametersOf(text: string): Readonly<Record<string, Json>> {
  const values = new Map<string, Json[]>();
  for (const line of text.split('\n')) {
    const [, name, written] = /^([a-z][a-z0-9_]*)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && written !== undefined) values.set(name, [...(values.get(name) ?? []), goValue(written)]);
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, name === 'stop' || all.length > 1 ? all : (all[0] as Json)]));
}

function goValue(written: string): Json {
  if (written === 'true' || written === 'false') return written === 'true';
  if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(written)) return Number(written);
  if (!/^".*"$/.test(written)) return written;
  try {
    return JSON.parse(written.replace(/\\([xavU'])([0-9a-fA-F]*)/g, goEscape)) as string;
  } catch {
    return written.slice(1, -1);
  }
}

/** Go escapes some characters as JSON does not: `\x07`, `\a`, `\v`, `\U0001F600`. */
function goEscape(all: string, kind: string, digits: string): string {
  if (kind === 'x') return `\\u00${digits.slice(0, 2)}${digits.slice(2)}`;
  if (kind === 'U' && digits.length >= 8) {
    const code = Number.parseInt(digits.slice(0, 8), 16);
    return code <= 0x10ffff ? `${String.fromCodePoint(code)}${digits.slice(8)}` : all;
  }
  return `${kind === 'a' ? '\\u0007' : kind === 'v' ? '\\u000b' : "'"}${digits}`;
}
