export { makeStatus } from './make.ts';
export { withInert, withLastFailures } from './told.ts';
