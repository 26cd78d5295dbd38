export { nearest } from '../domain/text.ts';
