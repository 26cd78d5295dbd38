export { lockProblems } from './check.ts';
export { compareLock, lockedFor, unusedEntries } from './compare.ts';
export type { WholeStack } from './compare.ts';
export { diffLock } from './diff.ts';
export { lockModels } from './make.ts';
export type { Resolve } from './make.ts';
export { parseLock } from './parse.ts';
export type { ParsedLock } from './parse.ts';
export { writeLock } from './write.ts';
