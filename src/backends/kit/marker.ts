import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Name of the environment variable that makes a process its own record. */
export const MARKER = 'LLMOPS_INSTANCE';

/** What a process of ours says of itself. Holds no secret: every user of the machine's own account can read it. */
export interface Marker {
  readonly v: 1;
  /** {@link stackIdOf}: tells our processes from those of another stack. */
  readonly stackId: string;
  readonly stack: string;
  /** Type of the backend when it was started: it says how the process is to be understood. */
  readonly type: string;
  readonly backend: string;
  readonly model: string;
  readonly id: string;
  readonly specHash: string;
  /** SHA-256 of the weights it was started with, hex: the arguments name a path only, and files change. */
  readonly digest: string;
  /** On 127.0.0.1. */
  readonly port: number;
  readonly logFile: string;
}

const TEXTS = ['stackId', 'stack', 'type', 'backend', 'model', 'id', 'specHash', 'digest', 'logFile'] as const;

/** JSON without a blank, so that it survives `ps` output, which separates variables by blanks. */
export function encodeMarker(marker: Marker): string {
  return JSON.stringify(marker).replaceAll(' ', '\\u0020');
}

/** The marker that a text carries; null if it is none of ours or of a format that this version does not know. */
export function decodeMarker(text: string | null | undefined): Marker | null {
  if (!text) return null;
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    if (value === null || typeof value !== 'object' || value['v'] !== 1) return null;
    const port = value['port'];
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
    return TEXTS.every((key) => typeof value[key] === 'string') ? (value as unknown as Marker) : null;
  } catch {
    return null;
  }
}

/** The identity of a stack on this machine: first 16 hex digits of SHA-256 over the real path of its state folder. */
export function stackIdOf(stateDir: string): string {
  return createHash('sha256')
    .update(realPath(resolve(stateDir)))
    .digest('hex')
    .slice(0, 16);
}

/** The real path of a folder that may not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
