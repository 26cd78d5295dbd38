export { importOllama, type OllamaAnswers } from './ollama/index.ts';
export { settle, type Check, type Settled } from './settle.ts';
export { namesOf, oneLine, writeStack, type WriteOptions } from './write.ts';
export type { Imported, NotCarried } from './imported.ts';
