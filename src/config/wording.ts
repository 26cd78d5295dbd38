import type { JsonSchema } from '../domain/backend.ts';
import { WELL_KNOWN } from '../domain/quantization.ts';
import type { Located } from './located.ts';
import type { Kind } from './schema/expand.ts';
import { nearest } from './suggest.ts';

/** What a text at this place means, if it means more than text. */
export function kindOf(schema: JsonSchema): Kind | undefined {
  const union = schema['anyOf'] as readonly JsonSchema[] | undefined;
  return (schema['x-kind'] as Kind | undefined) ?? union?.map(kindOf).find((kind) => kind !== undefined);
}

/** A value from the file inside a sentence: in quotes, on one line, cut. */
export function quoted(value: string): string {
  const line = value.replace(/[^\P{C}]+/gu, ' ');
  return `"${line.length > 60 ? `${line.slice(0, 59)}…` : line}"`;
}

const KINDS: Readonly<Record<Kind, string>> = {
  size: 'a size with its unit: 512MiB, 8GiB, 20GB',
  duration: 'a time with its unit: 500ms, 30s, 10m, 2h, 7d',
  secret: 'a reference: { env: NAME }, { file: PATH } or { command: COMMAND }',
  path: 'a path',
  program: 'a program: its name or path',
  url: 'an address that begins with http:// or https://',
  source: 'file:PATH, hf:OWNER/REPO[/FILE], ollama:NAME:TAG or https://...',
  address: 'HOST:PORT',
  sha256: '64 hex digits',
  quantization: 'the name of a quantization: Q8_0, Q4_K_M, IQ4_XS, UD-Q4_K_XL, MXFP4',
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map',
  array: 'a list',
};

/** What a schema expects, in words: "a whole number from 1 to 4096". */
export function withArticle(schema: JsonSchema): string {
  const kind = schema['x-kind'] as Kind | undefined;
  if (kind !== undefined) return [...((schema['x-also'] ?? []) as readonly string[]), KINDS[kind]].join(' or ');
  const union = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (union) return joined(union.filter((branch) => branch['type'] !== 'null').map(withArticle));
  const values = schema['enum'] as readonly unknown[] | undefined;
  if (values) return `one of ${values.filter((value) => value !== null).join(', ')}`;
  const types = [schema['type']].flat().filter((type) => type !== 'null');
  return `${types.map((type) => TYPES[String(type)] ?? 'a value').join(' or ')}${keysOf(schema)}${rangeOf(schema)}${itemsOf(schema)}`;
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join('; ')}; or ${words.at(-1)}`;
}

function keysOf(schema: JsonSchema): string {
  const keys = schema['type'] === 'object' ? Object.keys((schema['properties'] as object | undefined) ?? {}) : [];
  return keys.length > 0 ? ` with ${keys.join(', ')}` : '';
}

function itemsOf(schema: JsonSchema): string {
  const item = schema['items'] as JsonSchema | undefined;
  if (item === undefined) return '';
  if (item['enum'] !== undefined || item['x-kind'] === 'quantization') return ' of them';
  return item['type'] === 'object' ? ' of maps' : '';
}

function rangeOf(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Readonly<Record<string, number | undefined>>;
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  if (low === undefined) return '';
  if (high === undefined) return `, ${low} or more`;
  return exclusiveMinimum === undefined
    ? ` from ${low} to ${high}`
    : ` above ${low} and ${exclusiveMaximum === undefined ? `up to ${high}` : `below ${high}`}`;
}

/** What to write instead, where that can be guessed from what was written. */
export function mismatch(schema: JsonSchema, located: Located, secret: boolean): string | null {
  if (located.node.kind !== 'scalar' || secret) return null;
  const { value } = located.node;
  const kind = kindOf(schema);
  if (kind === 'size' || kind === 'duration') return unitFix(kind, value);
  if (kind === 'source' && typeof value === 'string') return sourceFix(value);
  if (kind === 'quantization') return quantizationFix(String(value), schema);
  if (kind === 'address' && String(value).match(/^\d+$/)) return `Write \`127.0.0.1:${String(value)}\`.`;
  const types = [schema['type']].flat();
  if (typeof value === 'string') return textFix(value, types);
  if (typeof value === 'number' && types.includes('string')) return `Put it in quotes: "${value}".`;
  return types.includes('array') && value !== null ? `Put it in brackets: [${String(value)}].` : null;
}

function unitFix(kind: 'size' | 'duration', value: unknown): string | null {
  const match = /^([0-9.]+) ?([A-Za-z]*)$/.exec(String(value));
  if (!match) return null;
  const unit = match[2]!.toLowerCase();
  const units: Readonly<Record<string, string>> =
    kind === 'size'
      ? {
          '': 'GiB',
          b: 'B',
          k: 'KiB',
          kb: 'KB',
          kib: 'KiB',
          m: 'MiB',
          mb: 'MB',
          mib: 'MiB',
          g: 'GiB',
          gb: 'GB',
          gib: 'GiB',
          t: 'TiB',
          tb: 'TB',
          tib: 'TiB',
        }
      : {
          '': 's',
          sec: 's',
          secs: 's',
          second: 's',
          seconds: 's',
          min: 'm',
          mins: 'm',
          minute: 'm',
          minutes: 'm',
          hour: 'h',
          hours: 'h',
          day: 'd',
          days: 'd',
          ms: 'ms',
          s: 's',
          h: 'h',
          d: 'd',
          m: 'm',
        };
  return units[unit] === undefined ? null : `Write \`${match[1]}${units[unit]}\`${unit === '' ? ', if that is the unit you mean' : ''}.`;
}

const SCHEMES = ['file', 'hf', 'ollama', 'https'];

function sourceFix(value: string): string | null {
  if (value.startsWith('http:')) return 'Use https://.';
  if (/\.gguf$/i.test(value) && !value.includes(':')) return `Write \`file:${value}\`.`;
  if (/^[\w.-]+\/[\w.-]+$/.test(value)) return `Write \`hf:${value}\` for a repository, or \`file:${value}\` for a file.`;
  const [, name = '', rest = ''] = /^([\w.-]+(?:\/[\w.-]+)?):([\w./-]+)$/.exec(value) ?? [];
  const scheme = nearest(name, SCHEMES);
  if (scheme !== null) return `Did you mean \`${scheme}:${rest}\`?`;
  if (name !== '' && !rest.includes('/')) return `Did you mean \`ollama:${value}\`?`;
  return /^[a-z][\w.-]*$/i.test(value) ? `Write \`ollama:${value}\` for a model of Ollama, or \`file:${value}\` for a file.` : null;
}

function quantizationFix(value: string, schema: JsonSchema): string | null {
  const guess = nearest(value, [...((schema['x-also'] ?? []) as readonly string[]), ...WELL_KNOWN]);
  return guess === null ? null : `Did you mean \`${guess}\`?`;
}

function textFix(value: string, types: readonly unknown[]): string | null {
  const numeric = types.includes('integer') || types.includes('number');
  if (numeric && /^[0-9]+([_,][0-9]{3})*$/.test(value)) return `Write \`${value.replace(/[_,]/g, '')}\`, without quotes or separators.`;
  const thousands = numeric ? /^([0-9]{1,6}) ?k$/i.exec(value) : null;
  if (thousands) return `Write \`${Number(thousands[1]) * 1024}\`.`;
  if (types.includes('boolean') && /^(yes|on|true)$/i.test(value)) return 'Write `true`.';
  if (types.includes('boolean') && /^(no|off|false)$/i.test(value)) return 'Write `false`.';
  return types.includes('array') ? `Put it in brackets: [${value.length < 40 ? value : '...'}].` : null;
}
