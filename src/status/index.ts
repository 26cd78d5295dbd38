export { makeStatus } from './make.ts';
