import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendSpec } from '../../domain/desired.ts';
import type { DriverContext } from '../../domain/backend.ts';
import type { Engine } from '../../domain/observed.ts';
import { ProblemError, problemOf, type Problem } from '../../domain/problem.ts';
import { askProgram, type Answer } from '../../programs/index.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { findProgram } from '../kit/program.ts';

const PROGRAM = 'llama-server';
/** A build with CUDA looks for devices before it says its version. */
const DEADLINE_MS = 20_000;
/** Its --help takes 50 KB. */
const LIMIT_BYTES = 8 * 2 ** 20;

/** The llama-server that a backend names, with version and flags. What it said is kept until the file changes. Never throws. */
export async function detectEngine(spec: BackendSpec, context: DriverContext, signal: AbortSignal): Promise<Engine> {
  const asked = spec.options['engine'];
  const at = findProgram(typeof asked === 'string' && asked !== 'auto' ? asked : PROGRAM, context);
  if (at === null) return { status: 'absent', problem: absent(spec) };
  try {
    const key = fileKey(at);
    const cacheFile = join(context.cacheDir, 'engines', `${createHash('sha256').update(at).digest('hex').slice(0, 16)}.json`);
    const cached = readCache(cacheFile, key);
    if (cached) return { status: 'present', at, ...cached };
    const [version, help] = await Promise.all([ask(at, '--version', context.env, signal), ask(at, '--help', context.env, signal)]);
    const found = { version: parseVersion(version), capabilities: parseHelp(help) };
    if (!found.capabilities.includes('--port')) throw new ProblemError(notServer(at));
    writeCache(cacheFile, { key, ...found });
    return { status: 'present', at, ...found };
  } catch (error) {
    return { status: 'absent', problem: problemOf(error) };
  }
}

function absent(spec: BackendSpec): Problem {
  const asked = spec.options['engine'];
  const named = typeof asked === 'string' && asked !== 'auto';
  return {
    severity: 'error',
    code: 'engine-absent',
    summary: named
      ? `There is no program that can be run at ${asked}, which backend ${spec.name} names.`
      : `There is no ${PROGRAM} on PATH, which backend ${spec.name} needs.`,
    fix: `Install llama.cpp (https://github.com/ggml-org/llama.cpp/releases, or \`brew install llama.cpp\`), or set backends.${spec.name}.engine to its path; \`type: embedded\` needs nothing installed.`,
  };
}

function notServer(at: string): Problem {
  return {
    severity: 'error',
    code: 'engine-broken',
    summary: `${at} does not speak like a llama-server: its --help lists no --port.`,
    fix: 'Name a llama-server with `engine:`.',
  };
}

async function ask(at: string, flag: string, env: DriverContext['env'], signal: AbortSignal): Promise<string> {
  const answer = await askProgram({ file: at, args: [flag], env, deadlineMs: DEADLINE_MS, limitBytes: LIMIT_BYTES, signal });
  throwIfCancelled(signal, `asking ${at} for its ${flag.slice(2)}`);
  if (answer.code === 0) return `${answer.stdout}\n${answer.stderr}`;
  throw new ProblemError({
    code: 'engine-broken',
    summary: `\`${at} ${flag}\` ${whatCameOf(answer)}.`,
    fix: 'Run it by hand; a library may be missing, or it was built for another machine.',
  });
}

function whatCameOf({ how, code, stderr }: Answer): string {
  if (how === 'late') return `did not answer within ${DEADLINE_MS / 1000} s`;
  if (how === 'too-much') return 'wrote more than any llama-server says of itself';
  if (how === 'not-started') return 'could not be started';
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `failed${said ? `: ${said.slice(0, 200)}` : code === null ? ': a signal ended it' : ` (exit code ${code})`}`;
}

/** `version: 0.7.0 (build 11669, commit …)` gives 0.7.0; `version: 5123 (abc)` of older builds gives b5123. Pure. */
export function parseVersion(text: string): string {
  const version = /^version:\s*(\S+)/m.exec(text)?.[1] ?? 'unknown';
  return /^\d+$/.test(version) ? `b${version}` : version;
}

/** Flags that a build's --help lists, `kv:TYPE` for each type of KV cache, and how it takes some values. Pure. */
export function parseHelp(text: string): readonly string[] {
  const heads = text.split('\n').filter((line) => line.startsWith('-'));
  const flags = heads.flatMap((line) => (line.split(/\s{2,}(?=[^\s-])/)[0] ?? '').match(/(?<=^|[\s,])--?[a-z][a-z0-9-]*/gi) ?? []);
  const types =
    /--cache-type-k[\s\S]{0,200}?allowed values:\s*([\w, ]+)/
      .exec(text)?.[1]
      ?.split(/[,\s]+/)
      .filter(Boolean) ?? [];
  const traits = [
    ...(/--gpu-layers[^\n]*\n?[\s\S]{0,300}?'all'/.test(text) ? ['gpu-layers:all'] : []),
    ...(/--flash-attn\s+[[<{]/.test(text) ? ['flash-attn:value'] : []),
    ...(/^\s*- 4: trace/m.test(text) ? ['verbosity:levels'] : []),
  ];
  return [...new Set([...flags, ...types.map((type) => `kv:${type}`), ...traits])].sort();
}

/** Another file in the same place is another engine. */
function fileKey(at: string): string {
  const { mtimeMs, ctimeMs, size, ino } = statSync(at);
  return [at, mtimeMs, ctimeMs, size, ino].join('|');
}

type Cached = { readonly version: string; readonly capabilities: readonly string[] };

function readCache(path: string, key: string): Cached | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as { key?: unknown; version?: unknown; capabilities?: unknown };
    if (value.key !== key || typeof value.version !== 'string' || !Array.isArray(value.capabilities)) return null;
    return { version: value.version, capabilities: value.capabilities.map(String) };
  } catch {
    return null;
  }
}

/** A cache that cannot be written costs a moment, nothing else. */
function writeCache(path: string, value: Cached & { readonly key: string }): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}.tmp`;
    writeFileSync(draft, JSON.stringify(value), { mode: 0o600 });
    renameSync(draft, path);
  } catch {
    // read-only home
  }
}
