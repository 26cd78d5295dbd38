import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A socket's path may have this many bytes on every system: sun_path of unix(7) has 108 with its end, and 104 on macOS. */
const LONGEST = 100;

/** Where the control socket of a stack's daemon is: in its state, or, where that path is too long, in a folder of this user's own. */
export function controlPath(stateDir: string): string {
  const inState = join(stateDir, 'control.sock');
  if (Buffer.byteLength(inState) <= LONGEST) return inState;
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `llmops-${userInfo().uid}`, `${name}.sock`);
}
