import { child, entries, find, items, scalar, spot, text, type Located } from '../located.ts';
import { isSecretFlag, isSecretWord } from '../secrets.ts';
import type { Visit } from '../walk.ts';
import type { RuleContext } from './index.ts';

/** MCP servers, with their keys, written out. */
const MCP = '--mcp-servers-json';

/** Flags that llmops sets itself, or that carry a secret, do not go into `args`. */
export function flagRule({ path, located, schema }: Visit, { findings }: RuleContext): void {
  if (path.at(-1) !== 'args') return;
  const owned = (schema['x-owned-flags'] as Readonly<Record<string, string>> | undefined) ?? {};
  for (const [index, item] of items(located).entries()) {
    const word = text(item) ?? '';
    const flag = /^-[^=\s]*/.exec(word)?.[0] ?? '';
    const name = `\`${[...path, index].join('.')}\``;
    if (isSecretFlag(word) || isSecretWord(word)) {
      findings.add({
        code: 'secret-literal',
        summary: `${name} passes a secret on the command line, where every process can read it`,
        expected: 'no secrets in args',
        fix: word.startsWith(MCP)
          ? 'Write it into a file that only you can read, and name that: `--mcp-servers-config`, `FILE`.'
          : 'Use a key that takes a reference (`apiKey: { env: NAME }`), or a flag that names a file.',
        at: spot(item),
      });
    } else if (Object.hasOwn(owned, flag)) {
      findings.add({
        code: 'flag-managed',
        summary: `${name} is ${flag}, which llmops sets itself or depends on`,
        expected: 'flags that llmops does not set',
        fix: `Remove it; ${owned[flag]}.`,
        at: spot(item),
      });
    }
  }
}

/** Pairs of keys of which only one can hold. */
export function conflictRule({ root, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    exclusive(findings, child(model, 'options'), `models.${name}.options`, 'chatTemplate', 'chatTemplateFile');
    const [batch, ubatch] = [find(model, 'options', 'batch'), find(model, 'options', 'ubatch')];
    if (!batch || !ubatch || !(Number(scalar(ubatch)) > Number(scalar(batch)))) continue;
    findings.add({
      code: 'conflicting-keys',
      summary: `\`models.${name}.options.ubatch\` is more than \`batch\``,
      expected: `at most ${String(scalar(batch))}`,
      fix: 'Make `ubatch` smaller or `batch` larger: one is a part of the other.',
      at: spot(ubatch),
    });
  }
  for (const [name, backend] of entries(find(root, 'backends'))) exclusive(findings, backend, `backends.${name}`, 'command', 'url');
}

function exclusive(findings: RuleContext['findings'], map: Located | undefined, path: string, one: string, other: string): void {
  const second = child(map, other);
  if (scalar(child(map, one)) == null || second === undefined || scalar(second) === null) return;
  findings.add({
    code: 'conflicting-keys',
    summary: `\`${path}\` has both \`${one}\` and \`${other}\``,
    expected: 'one of them',
    fix: 'Remove one.',
    at: spot(second),
  });
}

/** Two models cannot have the same fixed port. */
export function portRule({ root, findings }: RuleContext): void {
  const owner = new Map<number, string>();
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = find(model, 'options', 'port');
    const port = scalar(located);
    if (located === undefined || typeof port !== 'number') continue;
    const first = owner.get(port);
    owner.set(port, first ?? name);
    if (first === undefined) continue;
    findings.add({
      code: 'port-taken',
      summary: `\`models.${name}.options.port\` is ${port}, which \`models.${first}\` has already`,
      expected: 'a port of its own',
      fix: 'Choose another, or leave `port` out: a free one is found.',
      at: spot(located),
    });
  }
}
