import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** A socket's path may have this many bytes on every system: sun_path of unix(7) has 108 with its end, and 104 on macOS. */
const LONGEST = 100;

/**
 * Where the control socket of a stack's daemon is: in its state, or, where that path is too long, in a folder of this user's own.
 * The same for every spelling of the folder: who asks may come by a link, and the daemon not.
 */
export function controlPath(stateDir: string): string {
  const real = realPath(resolve(stateDir));
  const inState = join(real, 'control.sock');
  if (Buffer.byteLength(inState) <= LONGEST) return inState;
  const name = createHash('sha256').update(real).digest('hex').slice(0, 16);
  return join(tmpdir(), `llmops-${userInfo().uid}`, `${name}.sock`);
}

/** Of a folder that may not exist yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
