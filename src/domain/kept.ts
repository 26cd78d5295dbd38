/** Folder below a stack's state in which files that options name are kept by their content. */
const FOLDER = 'files';

/** Where such files lie. */
export function keptFolder(stateDir: string): string {
  return `${stateDir}/${FOLDER}`;
}

/**
 * Where the file with this content is kept, if it is. A chat template is read when an engine starts, and a person may have
 * edited it by the time that an old copy is put back: that copy needs the text that it had.
 */
export function keptPath(stateDir: string, sha256: string): string {
  return `${keptFolder(stateDir)}/${sha256}`;
}

/** Digests of files that options name, by the path as it was written. */
export type Attached = Readonly<Record<string, string>>;
