import type { Finding } from '../report.ts';
import { unknownMembers } from './keys.ts';
import { spotOf, type Said } from './said.ts';

/** A secret that is written out. The value is never repeated. */
export function literalSecret(said: Said): Finding {
  const key = ['env', 'file', 'command'].includes(said.path.at(-1) ?? '') ? said.path.at(-2) : said.path.at(-1);
  return {
    code: 'secret-literal',
    summary: `${said.name} is written out; llmops.yaml holds no secrets`,
    expected: 'a reference: { env: NAME }, { file: PATH } or { command: COMMAND }',
    fix: `Put it into an environment variable and write \`${key}: { env: NAME }\`. If the file was shared, change the secret.`,
    at: spotOf(said),
  };
}

/** A reference that names no place, or several. */
export function secretShape(said: Said): Finding | null {
  if (unknownMembers(said.schema, said.located).length > 0) return null; // each of them is said
  const none = said.located.node.kind === 'map' && said.located.node.members.size === 0;
  return {
    code: 'secret-reference',
    summary: `${said.name} names ${none ? 'no place' : 'several places'} for the secret`,
    expected: 'exactly one of env, file, command',
    fix: none ? 'Write `{ env: NAME }`.' : 'Keep one of them.',
    at: spotOf(said),
  };
}
