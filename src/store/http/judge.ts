import { retryAfter } from '../../domain/http.ts';
import { ProblemError } from '../../domain/problem.ts';
import type { Download } from '../types.ts';
import { sizeText, strangersText } from '../words.ts';
import type { Answer } from './exchange.ts';
import { refusal } from './refusal.ts';
import { TryAgain } from './retry.ts';

/** What a body holds. */
export interface Part {
  /** Offset of its first byte in the file. */
  readonly from: number;
  /** Bytes of the whole file; null: not told. */
  readonly total: number | null;
}

/** What was asked for. */
export interface Asked {
  readonly download: Download;
  /** First byte that was asked for; null: the whole file, without a range. */
  readonly from: number | null;
  /** Bytes of the whole file; null: nobody knows. */
  readonly bytes: number | null;
}

const RETRIED = new Set([408, 421, 425, 500, 502, 503, 504]);

/**
 * What an answer brings. Throws a {@link TryAgain} if the next try may do better, and a ProblemError if none will:
 * `download-…`.
 */
export function judge(answer: Answer, asked: Asked, now: number): Part {
  const { status } = answer;
  if (status === 416) throw rangeRefused(answer, asked);
  if (status === 429) throw new TryAgain('was asked too often (429)', { waitMs: waitOf(answer, now), tooOften: true });
  if (RETRIED.has(status)) throw new TryAgain(`answers ${status}`, { waitMs: waitOf(answer, now) });
  if (status !== 200 && status !== 206) throw refusal(answer, asked.download);
  refusePages(answer, asked.download);
  return status === 200 ? wholeFile(answer, asked) : partOfFile(answer, asked);
}

function waitOf(answer: Answer, now: number): number | null {
  return retryAfter(answer.headers['retry-after'], now);
}

/** Login pages of hotel networks and the like come with status 200. */
function refusePages({ headers, host }: Answer, { what }: Download): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (/^\s*(text\/html|application\/xhtml)/i.test(type)) throw webPage(what, host, ` (${strangersText(type)})`);
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding === 'identity') return;
  throw new ProblemError({
    code: 'download-failed',
    summary: `${what} could not be fetched: ${host} sends it in another coding (${strangersText(coding)}) than asked for. What was fetched before is kept.`,
    fix: 'Check the address, and whether a proxy in between changes what passes through it.',
  });
}

/** Also where nothing in the head tells of it: no file of weights begins so. */
export function isWebPage(beginning: Uint8Array): boolean {
  return /^(?:\u00ef\u00bb\u00bf)?\s*<(?:!doctype\s+html|html|head)\b/i.test(Buffer.from(beginning.subarray(0, 128)).toString('latin1'));
}

/** `type`: what the server calls it, to follow "a web page". */
export function webPage(what: string, host: string, type = ''): ProblemError {
  return new ProblemError({
    code: 'download-web-page',
    summary: `${what} could not be fetched: ${host} sends a web page${type} instead of the file. What was fetched before is kept.`,
    fix: 'Look at the address in a browser: a login page of the network, or an address of a page about the file, is the usual cause.',
  });
}

function wholeFile({ headers, host }: Answer, { download, bytes }: Asked): Part {
  const length = headers['content-length'];
  const total = length === undefined || headers['transfer-encoding'] !== undefined ? null : Number(length);
  if (bytes !== null && total !== null && total !== bytes) throw wrongSize(download, host, total, bytes);
  return { from: 0, total };
}

/** A range must begin where it was asked to, or nobody knows what it holds. */
function partOfFile({ headers, host }: Answer, { download, from, bytes }: Asked): Part {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headers['content-range'] ?? '') ?? [];
  const total = size === undefined || size === '*' ? null : Number(size);
  if (first !== undefined && bytes !== null && total !== null && total !== bytes) throw wrongSize(download, host, total, bytes);
  const length = headers['content-length'];
  const fits = length === undefined || Number(length) === Number(last) - Number(first) + 1;
  if (first === undefined || from === null || Number(first) !== from || !fits) {
    throw new TryAgain('sends another part of the file than asked for', { distrust: true });
  }
  return { from, total };
}

/** What we have is longer than the server's file, or as long: another file, or a server that knows no ranges. */
function rangeRefused({ headers, host }: Answer, { download, from, bytes }: Asked): Error {
  const size = /^bytes \*\/(\d+)$/i.exec(headers['content-range'] ?? '')?.[1];
  if (size !== undefined && bytes !== null && Number(size) !== bytes) return wrongSize(download, host, Number(size), bytes);
  if (from === null) return refusal({ status: 416, headers, host }, download);
  return new TryAgain('does not give this part of the file (416)', { distrust: true });
}

/** The file there is not the file that was meant. Sizes in bytes; `is`: null: more than wanted, nobody knows how many. */
export function wrongSize({ what }: Download, host: string, is: number | null, wanted: number): ProblemError {
  const size = is === null ? 'sends more bytes' : `has ${is} bytes (${sizeText(is)}), ${is > wanted ? 'more' : 'fewer'}`;
  return new ProblemError({
    code: 'download-wrong-size',
    summary: `${what} is not what was pinned: ${host} ${size} than the ${wanted} of the lock. Nothing of it is used.`,
    fix: 'If the file was replaced there on purpose, pin the new one with `llmops lock --upgrade`; else check the address.',
  });
}
