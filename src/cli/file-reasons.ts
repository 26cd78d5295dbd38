/** Why a file cannot be written, as the end of a sentence. */
export function whyNotWritten(error: unknown): string {
  return inWords(error, { ENOENT: 'its folder does not exist' });
}

/** Why a file cannot be read, as the end of a sentence. */
export function whyNotRead(error: unknown): string {
  return inWords(error, { ENOENT: 'there is no such file' });
}

/** What a person can do where a file cannot be written, besides naming another place. */
export function howToWrite(error: unknown): string | null {
  return MENDS[codeOf(error) ?? ''] ?? null;
}

function inWords(error: unknown, own: Readonly<Record<string, string>>): string {
  const code = codeOf(error);
  if (code === null) return error instanceof Error ? error.message : String(error);
  return own[code] ?? REASONS[code] ?? code;
}

function codeOf(error: unknown): string | null {
  return (error as NodeJS.ErrnoException | null)?.code ?? null;
}

const REASONS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EIO: 'the disk reports an error',
};

const MENDS: Readonly<Record<string, string>> = {
  EACCES: 'mend the permissions of the folder',
  EPERM: 'mend the permissions of the folder',
  ENOSPC: 'free some space on the disk',
  EDQUOT: 'free some space on the disk',
};
