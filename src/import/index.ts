export { settle, type Settled } from './settle.ts';
export { namesOf, oneLine, writeStack } from './write.ts';
export type { Imported, ImportedStore } from './imported.ts';
