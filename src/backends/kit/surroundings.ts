import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The folder that a process runs in; null: this machine does not tell (no /proc), or it is another user's. */
export function folderOf(pid: number, root = '/proc'): string | null {
  return linkOf(join(root, String(pid), 'cwd'));
}

/** The file that a process writes its messages to; null: a terminal, a pipe, or this machine does not tell. */
export function outputFileOf(pid: number, root = '/proc'): string | null {
  const path = linkOf(join(root, String(pid), 'fd/2')) ?? linkOf(join(root, String(pid), 'fd/1'));
  return path !== null && statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : null;
}

/**
 * The unit of systemd that keeps a process running, and starts it again when it ends; null: none, or this machine does not tell.
 * A scope is no such unit: it holds what a person started. Source: cgroups(7), systemd.resource-control(5).
 */
export function serviceOf(pid: number, root = '/proc'): string | null {
  try {
    const path = readFileSync(join(root, String(pid), 'cgroup'), 'utf8').split('\n')[0] ?? '';
    const unit = path.split('/').findLast((part) => /\.(service|scope)$/.test(part)) ?? '';
    return unit.endsWith('.service') && !/^user@\d+\.service$/.test(unit) ? unit : null;
  } catch {
    return null;
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
