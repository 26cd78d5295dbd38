import { child, entries, type Located } from './located.ts';

/** Maps whose entries are things with a name: `null` in an overlay takes such an entry away. */
export const COLLECTIONS = ['backends', 'models', 'prompts', 'slos'] as const;

/** The file without its overlays. */
export function withoutEnvironments(root: Located): Located {
  return withMembers(
    root,
    entries(root).filter(([key]) => key !== 'environments'),
  );
}

/** The base with an overlay on it: maps are merged, everything else is replaced. Each value keeps the place where it is written. */
export function merge(base: Located, overlay: Located): Located {
  return mergeMaps(base, overlay, (key, below, above) => {
    return COLLECTIONS.some((name) => name === key) && below
      ? mergeMaps(below, above, (_, a, b) => (isRemoval(b) ? null : a ? mergeDeep(a, b) : b))
      : below
        ? mergeDeep(below, above)
        : above;
  });
}

function isRemoval(located: Located): boolean {
  return located.node.kind === 'scalar' && located.node.value === null && !located.node.empty;
}

function mergeDeep(base: Located, overlay: Located): Located {
  return mergeMaps(base, overlay, (_, below, above) => (below ? mergeDeep(below, above) : above));
}

type Join = (key: string, below: Located | undefined, above: Located) => Located | null;

function mergeMaps(base: Located, overlay: Located, join: Join): Located {
  if (base.node.kind !== 'map' || overlay.node.kind !== 'map') return overlay;
  const members = new Map(base.node.members);
  for (const [key, above] of overlay.node.members) {
    const joined = join(key, members.get(key), above);
    if (joined === null) members.delete(key);
    else members.set(key, joined);
  }
  return { ...base, node: { kind: 'map', members } };
}

/** What an overlay touches of the merged whole: enough to check it, and as small as it. */
export function touched(merged: Located, overlay: Located): Located {
  const kept = entries(merged).flatMap(([key, member]): [string, Located][] => {
    const above = child(overlay, key);
    if (above === undefined) return key === 'version' ? [[key, member]] : [];
    if (!COLLECTIONS.some((name) => name === key) || member.node.kind !== 'map') return [[key, member]];
    return [
      [
        key,
        withMembers(
          member,
          entries(member).filter(([name]) => child(above, name) !== undefined),
        ),
      ],
    ];
  });
  return withMembers(merged, kept);
}

function withMembers(located: Located, members: readonly (readonly [string, Located])[]): Located {
  return { ...located, node: { kind: 'map', members: new Map(members) } };
}

/** Collections that were opened and left empty (`models:` and nothing below, or `null`) are empty, not wrong. */
export function withEmptyCollections(root: Located): Located {
  const members = entries(root).map(([key, member]): [string, Located] => {
    const isEmpty =
      member.node.kind === 'scalar' && member.node.value === null && (key === 'environments' || COLLECTIONS.some((name) => name === key));
    return [key, isEmpty ? { ...member, at: member.key ?? member.at, node: { kind: 'map', members: new Map() } } : member];
  });
  return withMembers(root, members);
}
