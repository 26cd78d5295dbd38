import type { IncomingHttpHeaders } from 'node:http';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { onDisk } from '../disk.ts';

/** What tells one version of a file at an address from another. */
export interface Validator {
  /** A strong ETag, or a date of last change; what If-Range takes. */
  readonly value: string;
  /** Bytes of the whole file; null: the server does not tell. */
  readonly total: number | null;
}

/**
 * What the server vouches with that a later part belongs to the same file; null: with nothing. Weak ETags do not say that
 * the bytes are the same, and a file that changed within the last second may change again in it: RFC 9110, 8.8.
 */
export function validatorOf(headers: IncomingHttpHeaders): string | null {
  const etag = headers.etag;
  if (etag !== undefined) return etag.startsWith('"') ? etag : null;
  const [changed, sent] = [headers['last-modified'], headers.date];
  const age = Date.parse(sent ?? '') - Date.parse(changed ?? '');
  return changed !== undefined && age >= 1000 ? changed : null;
}

/** null: none was kept, or it cannot be read. */
export async function readValidator(path: string): Promise<Validator | null> {
  try {
    const { value, total } = JSON.parse(await readFile(path, 'utf8')) as Partial<Validator>;
    return typeof value === 'string' && (typeof total === 'number' || total === null) ? { value, total } : null;
  } catch {
    return null;
  }
}

/** Keeps it beside the part of the file that it vouches for. */
export async function keepValidator(path: string, validator: Validator | null): Promise<void> {
  await onDisk(path, () => (validator ? writeFile(path, JSON.stringify(validator), { mode: 0o600 }) : rm(path, { force: true })));
}
