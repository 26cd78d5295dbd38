import { createHash } from 'node:crypto';

/** SHA-256, hex: the hash that pure stages are handed. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
