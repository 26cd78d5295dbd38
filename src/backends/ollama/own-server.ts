import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { canonicalJson } from '../../domain/canonical.ts';
import { isLoopback } from '../../domain/http.ts';
import type { Fields } from '../../domain/fields.ts';
import { ProblemError, type Problem } from '../../domain/problem.ts';
import { findOurs, type Found } from '../kit/parts.ts';
import { holderOf } from '../kit/port-holder.ts';
import { systemProcesses, type ProcessEntry } from '../kit/process-table.ts';
import { systemClock } from '../kit/clock.ts';
import type { Ender } from '../kit/terminate.ts';
import { findProgram } from '../kit/program.ts';
import { portOf, urlOf } from './options.ts';
import type { Parts } from './parts.ts';
import { toldBy, type ServerSettings } from './settings.ts';

/** From SIGTERM to SIGKILL: it ends its runners first. */
const GRACE_MS = 10_000;

/** The processes of a backend's server. */
interface Processes {
  /** null: it does not run. */
  readonly running: Found | null;
  /** What a server that was killed left behind: its runners. */
  readonly left: readonly Found[];
  readonly all: readonly ProcessEntry[];
}

/**
 * Looks for the server by its mark among all processes, and sends the client to where it listens: until it is started anew that is
 * the address that it was started with.
 */
export async function findServer(parts: Parts): Promise<Processes> {
  const all = await systemProcesses().list();
  const found = [...findOurs(all, parts).values()].filter(({ marker }) => marker.type === parts.spec.type);
  const running = found.find(({ leader }) => leader !== null) ?? null;
  if (parts.own !== null) {
    parts.own.running = running;
    parts.client.url = `http://127.0.0.1:${running?.marker.port ?? portOf(parts.spec.options)}`;
  }
  return { running, left: found.filter((each) => each !== running), all };
}

/** What it takes to end the server. */
export function enderOf({ spec, stackId }: Parts): Ender {
  return { spec, stackId, table: systemProcesses(), clock: systemClock, graceMs: GRACE_MS };
}

/** What the server was told when it started, as settings of each copy on it; nothing if it is none of ours. */
export function toldToServer({ own, spec, context }: Parts): Fields {
  const env = own?.running?.leader?.env();
  if (env === undefined) return {};
  const store = spec.options['store'];
  const written = typeof store === 'string' ? store : null;
  return toldBy(env, (path) => (written !== null && resolve(context.baseDir, written) === path ? written : path));
}

/** Absolute path of the store that the stack names; null: Ollama's own. */
export function storeOf({ spec, context }: Parts): string | null {
  const store = spec.options['store'];
  return typeof store === 'string' ? resolve(context.baseDir, store) : null;
}

/** Equal exactly for servers that are started alike. */
export function hashOf(settings: ServerSettings): string {
  return createHash('sha256').update(canonicalJson(settings)).digest('hex').slice(0, 12);
}

/** The program of the server. Throws a ProblemError if there is none. */
export function programOf({ spec, context }: Parts): string {
  const asked = String(spec.options['engine'] ?? 'ollama');
  const found = findProgram(asked, context);
  if (found !== null) return found;
  throw new ProblemError({
    code: 'engine-absent',
    summary: `There is no program ${asked} that can be run, which backend ${spec.name} needs to serve its models.`,
    fix: `Install Ollama (https://ollama.com/download), or set backends.${spec.name}.engine to its path.`,
  });
}

/** Why the server cannot be had at its address; null: nothing keeps it from it. */
export async function whyNotThere(port: number, all: readonly ProcessEntry[], parts: Parts): Promise<Problem | null> {
  const { name, options } = parts.spec;
  const url = new URL(urlOf(options));
  if (url.protocol !== 'http:' || !isLoopback(url.hostname)) return elsewhere(name, url.host);
  const holder = await holderOf(port, all, parts);
  if (holder === null) return null;
  const [program = 'a process'] = holder.process?.args ?? [];
  const pid = holder.process === null ? '' : ` (pid ${holder.process.pid})`;
  return {
    severity: 'error',
    code: 'port-taken',
    summary: `llmops is to serve backend ${name} at ${url.hostname}:${port}, and ${program}${pid}, which it did not start, listens there.`,
    fix: `End that one, or give backends.${name}.url another port; without \`serve\` llmops uses the server that is there.`,
  };
}

function elsewhere(name: string, host: string): Problem {
  return {
    severity: 'error',
    code: 'serve-elsewhere',
    summary: `llmops is to serve backend ${name} at ${host}, which is not an address of this machine alone: Ollama asks nobody for a key.`,
    fix: `Set backends.${name}.url to http://127.0.0.1:PORT, or take \`serve\` away and start the server there yourself.`,
  };
}
