import { refusalReason } from '../domain/disk-problem.ts';

/** Why a file cannot be written, as the end of a sentence. */
export function whyNotWritten(error: unknown): string {
  return inWords(error, 'its folder does not exist');
}

/** Why a file cannot be read, as the end of a sentence. */
export function whyNotRead(error: unknown): string {
  return inWords(error, 'there is no such file');
}

/** What a person can do where a file cannot be written, besides naming another place. */
export function howToWrite(error: unknown): string | null {
  return MENDS[codeOf(error) ?? ''] ?? null;
}

function inWords(error: unknown, absent: string): string {
  const code = codeOf(error);
  if (code === null) return error instanceof Error ? error.message : String(error);
  return code === 'ENOENT' ? absent : refusalReason(error);
}

function codeOf(error: unknown): string | null {
  return (error as NodeJS.ErrnoException | null)?.code ?? null;
}

const MENDS: Readonly<Record<string, string>> = {
  EACCES: 'mend the permissions of the folder',
  EPERM: 'mend the permissions of the folder',
  ENOSPC: 'free some space on the disk',
  EDQUOT: 'free some space on the disk',
};
