import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { ProcessEntry } from './process-table.ts';

/** Start times come in ticks of the clock, times of files do not. */
const TICK_MS = 1000;
/** As many links as Linux follows (path_resolution(7)). */
const MOST_LINKS = 40;
/** `name-00001-of-00005.gguf`: llama.cpp finds the other parts by the name of the first. */
const FIRST_PART = /^(.*-)00001-of-(\d{5})(\.gguf)$/i;

/** A file that a process has mapped. Source: proc(5), `/proc/pid/maps`. */
interface Mapped {
  readonly shared: boolean;
  /** `fd:01`, without leading zeros. */
  readonly device: string;
  readonly inode: string;
  /** The name that it has now, or had when it was taken away. */
  readonly path: string;
}

type Running = Pick<ProcessEntry, 'pid' | 'startedAt'>;

/** All files of weights that a path stands for. */
export function partsOf(path: string): readonly string[] {
  const [, prefix = '', total, ending = ''] = FIRST_PART.exec(basename(path)) ?? [];
  if (total === undefined) return [path];
  return Array.from({ length: Number(total) }, (_, index) =>
    join(dirname(path), `${prefix}${String(index + 1).padStart(5, '0')}-of-${total}${ending}`),
  );
}

/**
 * Why a process that was told this path may hold other weights than stand there now, to be used within a sentence; null: it holds just
 * these. A path says nothing by itself: it can lead to another file since the start. What a process has mapped does; where that is
 * not to be seen, nothing on the way to the file may be younger than the process.
 */
export function staleness(process: Running, path: string, root = '/proc'): string | null {
  return partsOf(path).reduce<string | null>((found, part) => found ?? stalenessOfFile(process, part, root), null);
}

function stalenessOfFile({ pid, startedAt }: Running, path: string, root: string): string | null {
  const since = startedAt === null ? null : Date.parse(startedAt) + TICK_MS;
  const facts = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (facts === undefined) return `was told a file that is not there any more (${basename(path)})`;
  const writtenAnew = `was started before ${basename(path)} was written anew`;
  const held = heldOf(pid, path, root);
  if (held === 'others') return `holds other weights than ${basename(path)} has now: that file was replaced after its start`;
  if (held === 'same') return since !== null && Number(facts.mtimeMs) > since ? writtenAnew : null;
  if (since === null) return 'does not tell when it started, and so not which weights it holds';
  return changedSince(path, since) ? `${writtenAnew}, or replaced` : null;
}

/** Whether a process has this very file; `unknown`: it keeps none of its weights mapped, or this machine does not tell. */
function heldOf(pid: number, path: string, root: string): 'same' | 'others' | 'unknown' {
  const folder = join(root, String(pid));
  const mapped = mappedBy(folder);
  const [real, facts] = [realpathSync(path), statSync(path, { bigint: true })];
  const [inode, device] = [String(facts.ino), deviceText(facts.dev)];
  // Some filesystems give a mapping another device than the file (btrfs, overlayfs): then its name has to be the same.
  if (mapped.some((each) => each.inode === inode && (each.device === device || each.path === real))) return 'same';
  if (opens(folder, facts)) return 'same';
  return mapped.some((each) => each.shared && looksLikeWeights(each.path, [path, real])) ? 'others' : 'unknown';
}

/** Engines share their weights with every other process; libraries are private, and what else is shared lies elsewhere. */
function looksLikeWeights(path: string, ours: readonly string[]): boolean {
  const name = path.replace(/ \(deleted\)$/, '');
  return /\.gguf$/i.test(name) || ours.some((each) => dirname(each) === dirname(name));
}

function mappedBy(folder: string): readonly Mapped[] {
  try {
    const rows = readFileSync(join(folder, 'maps'), 'utf8').split('\n');
    return rows.flatMap((row): Mapped[] => {
      const [, flags, device, inode, path] = /^\S+ (\S{4}) \S+ ([\da-f]+:[\da-f]+) (\d+) +(\/.*)$/.exec(row) ?? [];
      if (flags === undefined || device === undefined || inode === undefined || path === undefined) return [];
      return [{ shared: flags.endsWith('s'), device: plainDevice(device), inode, path }];
    });
  } catch {
    return []; // no /proc (macOS), or another user's
  }
}

/** A file that is read without mapping it is open for as long as it is read. */
function opens(folder: string, file: { readonly dev: bigint; readonly ino: bigint }): boolean {
  try {
    return readdirSync(join(folder, 'fd')).some((name) => {
      const facts = statSync(join(folder, 'fd', name), { throwIfNoEntry: false, bigint: true });
      return facts?.ino === file.ino && facts.dev === file.dev;
    });
  } catch {
    return false; // as above, or closed while we looked
  }
}

/** A device number as a mapping writes it. Source: makedev(3) of glibc and musl. */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major.toString(16)}:${minor.toString(16)}`;
}

function plainDevice(text: string): string {
  return text
    .split(':')
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':');
}

/** True if the file, or a link on the way to it, is younger: renaming and linking a file leave its content's time as it was. */
function changedSince(path: string, ms: number): boolean {
  let links = MOST_LINKS;
  let [at, rest]: [string, readonly string[]] = [sep, path.split(sep).filter(Boolean)];
  while (rest.length > 0) {
    const [name = '', ...more] = rest;
    const next = resolve(at, name);
    const facts = lstatSync(next, { throwIfNoEntry: false });
    if (facts === undefined || (links -= facts.isSymbolicLink() ? 1 : 0) < 0) return true;
    if (!facts.isDirectory() && Math.max(facts.mtimeMs, facts.ctimeMs) > ms) return true;
    const to = facts.isSymbolicLink() ? readlinkSync(next) : null;
    if (to === null) [at, rest] = [next, more];
    else [at, rest] = [isAbsolute(to) ? sep : at, [...to.split(sep).filter(Boolean), ...more]];
  }
  return false;
}
