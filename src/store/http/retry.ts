import { connectionReason } from '../../domain/http.ts';

/** A try that failed in a way that the next one may not. */
export class TryAgain extends Error {
  /** What the server asked for, in milliseconds (Retry-After); null: nothing. */
  readonly waitMs: number | null;
  /** The server cannot be trusted with ranges: ask for the whole file from now on. */
  readonly distrust: boolean;
  /** It was asked too often (429). */
  readonly tooOften: boolean;

  /** `reason` finishes the sentence "HOST …" or stands alone: `answers 503`. */
  constructor(reason: string, more: { readonly waitMs?: number | null; readonly distrust?: boolean; readonly tooOften?: boolean } = {}) {
    super(reason);
    this.waitMs = more.waitMs ?? null;
    this.distrust = more.distrust ?? false;
    this.tooOften = more.tooOften ?? false;
  }
}

/** What a failed connection means, to finish the sentence "HOST …". */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = connectionReason(code);
  if (known !== null) return known;
  if (code?.startsWith('HPE_')) return `does not speak HTTP (${code})`;
  return code ? `failed (${code})` : `failed: ${message}`;
}

/** Codes of certificates that are not trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const UNTRUSTED = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** True for a certificate that the next try would not trust either. */
export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test((error as NodeJS.ErrnoException).code ?? '');
}
