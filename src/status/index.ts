export { makeStatus } from './make.ts';
export type { StatusInput } from './make.ts';
