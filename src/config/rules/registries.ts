import { isLoopback } from '../../domain/http.ts';
import type { JsonSchema } from '../../domain/backend.ts';
import { child, entries, find, items, spot, text, type Located } from '../located.ts';
import { parseSource } from '../source.ts';
import { backendSchema } from '../walk.ts';
import type { RuleContext } from './index.ts';

/** Sources name a registry that their backend allows: found here, nobody is asked, not even to pin it. */
export function registryRule({ root, whole, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = child(model, 'source');
    const source = parseSource(text(located) ?? '');
    const backend = text(child(model, 'backend')) ?? '';
    const allowed = registriesOf(find(whole, 'backends', backend));
    if (located === undefined || source?.kind !== 'ollama' || allowed === null) continue;
    const { host } = source;
    if (isLoopback(host) || allowed.some((each) => each.toLowerCase() === host.toLowerCase())) continue;
    findings.add({
      code: 'registry-not-allowed',
      summary: `\`models.${name}.source\` names the registry ${host}, which \`backends.${backend}.registries\` does not`,
      expected: allowed.length === 0 ? 'this machine itself' : `this machine itself, or one of ${allowed.join(', ')}`,
      fix: `If you trust it, add it to \`backends.${backend}.registries\`.`,
      at: spot(located),
    });
  }
}

/** null: this type of backend fetches nothing itself, and has no such list. */
function registriesOf(backend: Located | undefined): readonly string[] | null {
  const properties = backend && (backendSchema(backend)['properties'] as Readonly<Record<string, JsonSchema>> | undefined);
  const key = properties?.['registries'];
  if (backend === undefined || key === undefined) return null;
  const written = child(backend, 'registries');
  return written === undefined ? (key['default'] as readonly string[]) : items(written).flatMap((item) => text(item) ?? []);
}
