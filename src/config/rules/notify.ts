import { DAEMON_EVENT_TYPES, meansType, TROUBLE } from '../../domain/daemon-event.ts';
import { spot, text } from '../located.ts';
import { isSecretHook } from '../secrets.ts';
import { nearest } from '../suggest.ts';
import { quoted } from '../wording.ts';
import type { Visit } from '../walk.ts';
import type { RuleContext } from './index.ts';

/** The address of a webhook is written out only if it lets nobody in: llmops.yaml stands in git, and in the history of each apply. */
export function hookRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const url = schema['x-hook'] === true ? text(located) : undefined;
  if (url === undefined || !isSecretHook(url)) return;
  findings.add({
    code: 'secret-literal',
    summary: `\`${path.join('.')}\` is an address with which anybody can write there, written out`,
    expected: 'a reference: { env: NAME }, { file: PATH } or { command: COMMAND }',
    fix: 'Put it into an environment variable and write `url: { env: NAME }`. If the file was shared, make a new webhook.',
    at: spot(located),
  });
}

/** A pattern that means no event would stay silent for ever. */
export function eventRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const pattern = schema['x-event'] === true ? text(located) : undefined;
  if (pattern === undefined || pattern === TROUBLE || DAEMON_EVENT_TYPES.some((type) => meansType(pattern, type))) return;
  const known = [TROUBLE, ...DAEMON_EVENT_TYPES, ...new Set(DAEMON_EVENT_TYPES.map((type) => type.replace(/\..*/, '.*')))];
  const guess = nearest(pattern, known);
  findings.add({
    code: 'unknown-value',
    summary: `\`${path.join('.')}\` is ${quoted(pattern)}, which no event is called`,
    expected: `${TROUBLE}, a glob such as run.*, or one of ${DAEMON_EVENT_TYPES.join(', ')}`,
    ...(guess !== null && { fix: `Did you mean \`${guess}\`?` }),
    at: spot(located),
  });
}
