import { emptyValue, isUnset } from '../explain/said.ts';
import { entries, items, spot, text, type Located } from '../located.ts';
import type { Finding } from '../report.ts';
import { holdsCredentials } from '../secrets.ts';
import { milliseconds } from '../units.ts';
import { quoted } from '../wording.ts';
import type { Visit } from '../walk.ts';
import type { RuleContext } from './index.ts';

/** Paths stay in the folder of llmops.yaml, so that a stack is one folder that can be copied and reviewed. */
export function pathRule({ path, located, schema }: Visit, { allowOutside, findings }: RuleContext): void {
  const written = text(located);
  if (written === undefined || allowOutside) return;
  const isFileSource = schema['x-kind'] === 'source' && written.startsWith('file:');
  const file = isFileSource ? written.slice('file:'.length) : schema['x-kind'] === 'path' ? written : null;
  if (file === null || file.startsWith('//') || !leaves(file)) return; // `file://` is misspelled, which is said elsewhere
  findings.add({
    code: 'path-outside',
    summary: `\`${path.join('.')}\` leaves the folder of this file`,
    expected: 'a path inside it, with forward slashes',
    fix: 'Move the file, or write `allowOutside: true` at the top.',
    at: spot(located),
  });
}

/** True if a relative path, read step by step, is ever outside of where it starts, or is not relative. Links are looked at when the file is read. */
export function leaves(path: string): boolean {
  if (/^([/\\~]|[A-Za-z]:)/.test(path)) return true;
  let depth = 0;
  for (const step of path.split(/[/\\]/)) {
    depth += step === '..' ? -1 : step === '' || step === '.' ? 0 : 1;
    if (depth < 0) return true;
  }
  return false;
}

/** Addresses carry no secrets: they end up in logs, plans and process lists. */
export function urlRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const kind = schema['x-kind'];
  const url = kind === 'url' || kind === 'source' ? text(located) : undefined;
  if (url === undefined || !(/:\/\/[^/?#]*@/.test(url) || /[?&][^=&]*(key|token|secret|password|sig|signature)=/i.test(url))) return;
  findings.add(withCredentials(path, located));
}

/** Nor do texts that are no address and hold one: the file's text stands in the history of each apply. */
export function credentialsRule({ root, findings }: RuleContext): void {
  const look = (located: Located, path: readonly string[]): void => {
    if (holdsCredentials(text(located) ?? '')) findings.add(withCredentials(path, located));
    for (const [key, member] of entries(located)) look(member, [...path, key]);
    for (const [index, item] of items(located).entries()) look(item, [...path, String(index)]);
  };
  look(root, []);
}

function withCredentials(path: readonly string[], located: Located): Finding {
  return {
    code: 'secret-literal',
    summary: `\`${path.join('.')}\` contains credentials`,
    expected: 'an address without user, password or token',
    fix: 'Take them out of the address. If the file was shared, change them.',
    at: spot(located),
  };
}

/** A key without a value is something left half done, also where `null` may be written. */
export function emptyRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  if (isUnset(located)) findings.add(emptyValue(`\`${path.join('.')}\``, schema, located));
}

/** A port fits in 16 bits and is not 0. */
export function addressRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const address = schema['x-kind'] === 'address' ? text(located) : undefined;
  const port = address === undefined ? null : /:([0-9]{1,5})$/.exec(address);
  if (!port || (Number(port[1]) >= 1 && Number(port[1]) <= 65_535)) return;
  findings.add({
    code: 'out-of-range',
    summary: `\`${path.join('.')}\` is ${quoted(address!)}`,
    expected: 'a port from 1 to 65535',
    at: spot(located),
  });
}

/** A time may have a least one, which the schema writes as text: `x-least`. */
export function leastRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  const least = schema['x-least'];
  const written = text(located);
  if (typeof least !== 'string' || written === undefined || !(milliseconds(written) < milliseconds(least))) return;
  findings.add({
    code: 'out-of-range',
    summary: `\`${path.join('.')}\` is ${quoted(written)}`,
    expected: `${least} or more`,
    at: spot(located),
  });
}
