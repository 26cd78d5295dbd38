import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { programName } from '../words.ts';

/** A process of this machine. */
export interface Seen {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it works; null: not told. */
  readonly cwd: string | null;
  /** The program's file; null: not told. */
  readonly program: string | null;
}

/** Processes whose words begin with, or contain, one of these programs. Empty where there is no /proc, or nothing may be read. */
export function processesOf(programs: readonly string[], root = '/proc'): readonly Seen[] {
  let pids: readonly string[];
  try {
    pids = readdirSync(root).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((pid) => {
    const args = split(read(`${root}/${pid}/cmdline`));
    // An interpreter may stand before it: python3 /usr/bin/vllm serve.
    if (!args.slice(0, 3).some((word) => programs.includes(programName(word)))) return [];
    return [{ args, env: variables(read(`${root}/${pid}/environ`)), cwd: link(`${root}/${pid}/cwd`), program: link(`${root}/${pid}/exe`) }];
  });
}

/** The one process that was told to listen on this port; null: none, or several. */
export function listenerOn(port: number, fallbackPort: number, variable: string, seen: readonly Seen[]): Seen | null {
  const found = seen.filter(
    ({ args, env }) => portOf(args) === port || (portOf(args) === null && (Number(env[variable]) || fallbackPort) === port),
  );
  return found.length === 1 ? (found[0] as Seen) : null;
}

function portOf(args: readonly string[]): number | null {
  const at = args.lastIndexOf('--port');
  const joined = args.findLast((word) => word.startsWith('--port='));
  const text = at >= 0 ? args[at + 1] : joined?.slice('--port='.length);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile, or another user's
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function split(text: string): readonly string[] {
  const parts = text.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function variables(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    split(text)
      .filter((line) => line.indexOf('=') > 0)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
