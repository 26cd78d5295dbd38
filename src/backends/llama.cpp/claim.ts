import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import { isLoopback } from '../../domain/http.ts';
import { looksSecret } from '../../domain/secret.ts';
import type { Fields, Scalar } from '../../domain/fields.ts';
import type { Claimed, ProcessWords } from '../kit/engine.ts';
import { KEY } from './command.ts';
import { configuredOf } from './configured.ts';
import * as flag from './flags.ts';

const USUAL_PORT = 8080;
/** `-ngl 99` is how people write "all of them". */
const ALL_LAYERS = 99;

/** Where weights are fetched from, and what only moves the log: neither is a setting of what runs. All take a value. */
const APART = ['--model-url', '-mu', '--hf-repo', '-hf', '-hfr', '--hf-file', '-hff', '--docker-repo', '-dr', '--log-file'];
const NO_SETTING = new Set(['-v', '--verbose', '--log-disable', '--log-jsonl', '--mmap', '--no-slots']);

/** Words of the command line after which it cannot go on as ours: the next start would not say them. */
const OBSTACLES: Readonly<Record<string, string>> = {
  '--api-key': 'asks for a key of its own (--api-key)',
  '--api-key-file': 'asks for a key of its own (--api-key-file)',
  '--ssl-key-file': 'speaks TLS, and llmops talks to engines in the clear on loopback',
  '--api-prefix': 'serves under a path of its own (--api-prefix)',
  '--no-jinja': 'was started with --no-jinja, for which llmops has no key',
  '--models-dir': 'loads many models by itself (--models-dir)',
  '--models-preset': 'loads many models by itself (--models-preset)',
};

/** A value behind such a flag is shown to nobody. */
const SECRET = /^--?[\w-]*(?:key|token|password|secret)[\w-]*$|^-hft$/i;
const WITH_VALUE: ReadonlySet<string> = new Set([
  ...APART,
  ...Object.keys(OBSTACLES).filter((name) => name !== '--no-jinja'),
  '--ssl-cert-file',
]);

/** What could be a secret is compared as something else, and so shown to nobody. */
function hidesSecret(word: string): boolean {
  return looksSecret(word) || /["']?\w*(?:key|token|password|secret)["']?\s*[:=]/i.test(word);
}

/** True for the command line of a llama-server, also one that an interpreter or a wrapper runs; not for one that only prints something. */
export function isServer(args: readonly string[]): boolean {
  return programAt(args) >= 0;
}

function programAt(args: readonly string[]): number {
  if (args.some((word) => flag.PRINTING.has(word))) return -1;
  return args.slice(0, 2).findIndex((word) => /^llama-server(\.exe)?$/.test(basename(word)));
}

/**
 * A llama-server that somebody else started, read as one of ours. Its own words alone count: what it takes from variables cannot be
 * told from what llmops would leave open, so a process with such variables is not taken over.
 */
export function claimed({ args, env, folder }: ProcessWords & { readonly folder: string | null }): Claimed | null {
  const program = programAt(args);
  if (program < 0) return null;
  const words = spelledOut(args.slice(program + 1));
  const parsed = flag.parseWords(words.filter((word) => !NO_SETTING.has(word)));
  const port = Number(parsed.value(flag.PORT) ?? USUAL_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const inFolder = (path: string): string | null => (isAbsolute(path) ? path : folder === null ? null : resolve(folder, path));
  const model = parsed.value(flag.MODEL);
  const host = parsed.value(flag.HOST);
  const configured = configuredOf({ args: ['llama-server', '--port', String(port), ...joined(words)], env: {} });
  return {
    configured: {
      ...configured,
      'offload.gpuLayers': allLayers(configured['offload.gpuLayers'] ?? null),
      chatTemplate: templateOf(parsed, inFolder),
      'options.port': port,
      'options.args': flag.joinWords(parsed.rest.map((word) => (hidesSecret(word) ? '***' : word))),
    },
    path: model === null ? null : inFolder(model),
    name: parsed.value(flag.ALIAS)?.split(',')[0] ?? null,
    port,
    obstacle: obstacleOf(args, env) ?? elsewhere(host),
    warning:
      host === null || isLoopback(host) ? null : `it listens on ${host}, and will on 127.0.0.1 alone once llmops has started it anew`,
  };
}

/** `--flag=value` in two words, a bare `-fa` with its value, and without the words that are no setting. */
function spelledOut(words: readonly string[]): readonly string[] {
  const apart = words.flatMap((word) =>
    /^--[\w-]+=/.test(word) ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word],
  );
  const said: string[] = [];
  for (let at = 0; at < apart.length; at += 1) {
    const word = apart[at] as string;
    if (WITH_VALUE.has(word) || SECRET.test(word)) at += 1;
    else said.push(word);
    const isBareFlash = flag.FLASH.some((name) => name === word) && !/^(on|off|auto|0|1|true|false)$/.test(apart[at + 1] ?? '');
    if (isBareFlash) said.push('on');
  }
  return said;
}

function joined(words: readonly string[]): readonly string[] {
  return words.filter((word) => !NO_SETTING.has(word));
}

function allLayers(layers: Scalar): Scalar {
  return typeof layers === 'number' && layers >= ALL_LAYERS ? 'all' : layers;
}

/** As a declared one is told apart: a file by its content. */
function templateOf(parsed: flag.ParsedArgs, inFolder: (path: string) => string | null): Fields[string] {
  const name = parsed.value(flag.TEMPLATE);
  const file = parsed.value(flag.TEMPLATE_FILE);
  if (name !== null || file === null) return name;
  const path = inFolder(file);
  try {
    if (path === null || !isSmallFile(path)) return `file:${file}`;
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return `file:${file}`; // gone: nobody can tell what it held
  }
}

/** A template is a page of text; a device has no end. */
function isSmallFile(path: string): boolean {
  const facts = statSync(path);
  return facts.isFile() && facts.size <= 2 ** 20;
}

/** Instances of ours are asked, and clients are sent to them, at one address of this machine. */
function elsewhere(host: string | null): string | null {
  return host !== null && /^\[?::1\]?$/.test(host) ? `listens on ${host} alone, and llmops sends clients to 127.0.0.1` : null;
}

function obstacleOf(words: readonly string[], env: Readonly<Record<string, string>>): string | null {
  const said = words.map((word) => (word.startsWith('--') ? word.replace(/=.*$/s, '') : word));
  const known = said.find((word) => Object.hasOwn(OBSTACLES, word));
  if (known !== undefined) return OBSTACLES[known] as string;
  const secret = said.find((word) => SECRET.test(word));
  if (secret !== undefined) return `was given a secret in its words (${secret})`;
  if (env[KEY] !== undefined) return `asks for a key of its own (${KEY})`;
  const variables = Object.keys(env).filter((name) => name.startsWith('LLAMA_ARG_'));
  if (variables.length > 0) return `takes settings from variables (${variables.slice(0, 3).join(', ')}), which a new start would not have`;
  return Object.keys(env).length === 0 ? "is another user's, whose processes cannot be read" : null;
}
